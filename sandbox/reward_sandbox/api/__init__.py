"""The routes of the service; they import the backend, never the other way."""
