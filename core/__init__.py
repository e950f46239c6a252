"""What every part of the server uses and that knows no domain."""
