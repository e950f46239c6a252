"""Views that write, read and export data."""
