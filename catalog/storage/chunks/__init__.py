"""Chunks of stored arrays: their files, which were written, which are staged."""
