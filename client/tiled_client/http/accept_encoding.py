"""The Accept-Encoding header for reads of data."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from .transport import Transport


def data_encoding(root: str, transport: Transport) -> str:
    """Return the `Accept-Encoding` for numbers from the server at `root`.

    Identity for a server on this machine, where compression takes longer than copying. Otherwise
    Zstandard if its decoder is installed; gzip is slower than most networks.
    """
    return "zstd" if not _is_local(root) and transport.has_zstd else "identity"


@lru_cache(maxsize=64)
def _is_local(root: str) -> bool:
    host = urlsplit(root).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
