"""Messages, positions and options of a stream."""
