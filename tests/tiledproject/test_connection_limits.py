"""How many HTTP connections there are, in all and from one address."""

from __future__ import annotations

from tiledproject.servers.connection_limits import ConnectionLimiter

PROXY = "10.0.0.1"


def test_connections_are_limited_per_address_except_for_proxies() -> None:
    found = ConnectionLimiter(7, 2, lambda peer: peer == PROXY)
    # Of IPv6 a network counts as one address.
    for peers in (["192.0.2.1"] * 3, ["2001:db8::1", "2001:db8::2", "2001:db8::3"]):
        *taken, refused = [found.acquire(peer) for peer in peers]
        assert taken == [None, None]
        assert refused is not None
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"budgets.connections_per_address" in refused
        found.release(peers[-1])
    assert [found.acquire(PROXY) for _ in range(3)] == [None] * 3
    full = found.acquire("192.0.2.3")
    assert full is not None
    assert full.startswith(b"HTTP/1.1 503 ")
    found.release("192.0.2.3")
    found.release("192.0.2.1")
    assert found.acquire("192.0.2.1") is None
