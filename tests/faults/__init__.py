"""Faults of the database under real servers."""
