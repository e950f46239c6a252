"""The wire vocabulary, written once: what client and server say to each other.

Pure functions and plain dataclasses, no I/O. The server imports it from here.
Source: `/api/v1` of Tiled 0.2.20.
"""
