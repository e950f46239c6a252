"""Write to the streams: one atomic step in Redis for each update, by way of the outbox."""
