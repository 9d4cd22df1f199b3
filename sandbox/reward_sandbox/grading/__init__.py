"""Programs against tests: what is run, what is compared, what it comes to."""
