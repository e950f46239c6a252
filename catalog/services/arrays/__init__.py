"""WritableNode and reading dense, sparse, ragged and awkward arrays."""
