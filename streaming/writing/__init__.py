"""Writing to the streams: one atomic step in Redis for each update, and what waits for Redis."""
