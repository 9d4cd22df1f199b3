"""Any backend as an HTTP service: middleware, strict JSON, admission, the routes of POST /verify, and the server."""
