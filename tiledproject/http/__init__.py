"""HTTP around Django: bodies, threads, CORS, errors."""
