"""Locks: one writer at a time per node, across all server processes."""
