"""Nodes: create, change, delete; metadata, revisions, tags."""
