"""The routes of the service. They import the backend, never the other way."""
