"""Client addresses, by which limits are counted."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.http import HttpRequest

# The smallest network that a provider assigns to one customer.
IPV6_PREFIX_LENGTH = 64
# In an ASGI scope: the client's address by which limits count; empty where it is not known.
SCOPE_ADDRESS = "tiled.address"


def client_address(request: HttpRequest | None) -> str:
    """Return the client's address, which a trusted proxy may have forwarded; empty if unknown.

    For IPv6 it is the /64 network, in which a client has as many addresses as it likes.
    """
    return canonical_address("" if request is None else str(request.META.get("REMOTE_ADDR") or ""))


@lru_cache(maxsize=4096)
def canonical_address(told: str) -> str:
    """Return the address by which limits are counted (for IPv6 the network); empty if invalid."""
    try:
        known = ipaddress.ip_address(told)
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    network = ipaddress.ip_network((known, IPV6_PREFIX_LENGTH), strict=False)
    return str(network.network_address)
