"""Credentials and logging in."""
