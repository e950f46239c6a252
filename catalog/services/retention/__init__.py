"""Delete or archive nodes by rules."""
