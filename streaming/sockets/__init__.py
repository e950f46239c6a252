"""WebSockets: authorize connections, read requests, send messages."""
