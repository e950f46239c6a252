"""Ports for servers that tests and tools start."""

from __future__ import annotations

import secrets
import socket

# Below those that Linux takes for outgoing connections, which might take one before it is used.
FIRST, COUNT = 10_000, 20_000


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    while True:
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", FIRST + secrets.randbelow(COUNT)))
            except OSError:
                continue
            return int(taken.getsockname()[1])
