"""WritableNode and reading tables."""
