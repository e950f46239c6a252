"""Read and write dense, sparse, ragged and awkward arrays."""
