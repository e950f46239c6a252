"""Compare the database with the stored files."""
