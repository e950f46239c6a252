"""Export as HDF5 files."""
