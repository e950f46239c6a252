"""CSV files of others: tables and arrays."""
