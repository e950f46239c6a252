"""Names of WebSocket subprotocols."""

MULTI = "tiled-multi.v1"
"""Several nodes over one connection: `subscribe` and `unsubscribe`, messages as [id, path, body].

See docs/reference/streams.md.
"""
INGEST = "tiled-ingest.v1"
"""Writes to several nodes over one connection: binary frames, cumulative acknowledgements.

See docs/reference/ingest.md.
"""
