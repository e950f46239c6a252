"""The Accept-Encoding header for reads of data."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=64)
def data_encoding(root: str) -> str:
    """Return the `Accept-Encoding` for numbers from the server at `root`.

    Identity for a server on this machine, where compression takes longer than copying. Otherwise
    Zstandard if `zstandard` is installed; gzip is slower than most networks.
    """
    if _is_local(urlsplit(root).hostname or ""):
        return "identity"
    from urllib3 import response

    return "zstd" if response.HAS_ZSTD else "identity"


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
