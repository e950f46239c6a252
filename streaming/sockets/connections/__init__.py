"""Connections: how many there may be, and who may be connected."""
