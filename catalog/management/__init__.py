"""What is managed from the command line."""
