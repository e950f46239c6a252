"""Finding the node that a request addresses."""
