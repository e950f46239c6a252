"""HTTP client of one server: requests, retries, responses, downloads."""
