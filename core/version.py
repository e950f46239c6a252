"""The version of the product, which is that of the client and the wire format."""

from __future__ import annotations

from tiled_client.version import __version__

PRODUCT = "tiled-stream"
VERSION = __version__
