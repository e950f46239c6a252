"""Permissions: the scopes that grants of access tags give to principals."""
