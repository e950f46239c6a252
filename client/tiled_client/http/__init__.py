"""HTTP requests: sessions, retries, responses, downloads."""
