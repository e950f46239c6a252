"""From where a request comes."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

# What one customer of a network provider has, at least.
PREFIX_OF_V6 = 64


def client_address(request: HttpRequest | None) -> str:
    """The address of whoever asks; of IPv6 the network; empty if it is not known.

    A proxy on this machine is believed who it had the request from.
    """
    if request is None:
        return ""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    said = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").rpartition(",")[2].strip()
    return _network(said) or _network(peer) if _is_here(peer) else _network(peer)


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return not address


def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    network = ipaddress.ip_network((known, PREFIX_OF_V6), strict=False)
    return str(network.network_address)
