"""Permissions on nodes, and visibility of nodes."""
