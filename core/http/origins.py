"""Origins of web pages, as browsers send them in the `Origin` header."""

from __future__ import annotations

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_same_origin(origin: str, host: str) -> bool:
    """Return whether `origin` is at `host`, a name with or without a port.

    The scheme is not compared: a proxy may have changed it.
    """
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}")
        ports = page.port, here.port
    except ValueError:
        return False
    of_page, of_here = (port or DEFAULT_PORTS.get(page.scheme) for port in ports)
    return (page.hostname, of_page) == (here.hostname, of_here)
