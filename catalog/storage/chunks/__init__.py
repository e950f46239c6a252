"""Chunks of stored arrays: files, records of written chunks, and staged writes."""
