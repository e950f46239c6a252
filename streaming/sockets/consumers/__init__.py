"""Channels consumers: one node, or many, over a WebSocket."""
