"""Credentials, and logging in."""
