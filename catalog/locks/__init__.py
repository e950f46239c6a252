"""Locks: one writer at a time for each node, over all server processes."""
