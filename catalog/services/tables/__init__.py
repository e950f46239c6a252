"""Writing and reading tables."""
