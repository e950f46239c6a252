"""WebSocket subprotocols: which language is spoken on an address that may know several."""

MULTI = "tiled-multi.v1"
"""Several nodes over one connection: `subscribe` and `unsubscribe`, answers as [id, path, message].

See docs/reference/streams.md.
"""
