"""Permissions: what access tags grant to whom."""
