"""Messages, positions and options of a stream, without I/O."""
