"""External CSV files, as tables and as arrays."""
