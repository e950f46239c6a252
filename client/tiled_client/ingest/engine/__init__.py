"""The client side of the ingest endpoint, without I/O."""
