"""The wire format: structures, dtypes, slices, messages and bodies of Tiled's protocol.

Pure functions and dataclasses, no I/O, shared by client and server.
Source: docs/reference/tiled-protocol/http.md and streaming.md.
"""
