"""Connections: authorize them, limit their number, and end them when access is withdrawn."""
