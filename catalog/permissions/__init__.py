"""Permissions on nodes, and which nodes a principal can see."""
