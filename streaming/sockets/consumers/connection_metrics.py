"""Count connections: how they begin and how they end."""

from __future__ import annotations

from ...metrics import CLOSES, CONNECTIONS, CONNECTIONS_OPENED, HANDSHAKES_REJECTED
from ...protocol.endings import CLOSE_CODES, GONE_CODE

# Codes that are counted by themselves. Clients may send any number: the others are one value.
KNOWN_CODES = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 1012, GONE_CODE}
KNOWN_CODES |= {4000, 4003, 4004, *CLOSE_CODES.values()}
OTHER = "other"


class ConnectionMetrics:
    """Counts one connection of an endpoint. Its end is counted once."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._open = False
        self._closed = False

    def accepted(self) -> None:
        """Count a handshake that was accepted."""
        self._open = True
        CONNECTIONS.labels(self._endpoint).add()
        CONNECTIONS_OPENED.labels(self._endpoint).add()

    def rejected(self, status: int) -> None:
        """Count a handshake that was rejected with an HTTP status."""
        HANDSHAKES_REJECTED.labels(self._endpoint, str(status)).add()

    def closed(self, code: int, *, by: str) -> None:
        """Count the end of the connection, `by` the `server` or the `client`."""
        if self._open and not self._closed:
            self._closed = True
            known = str(code) if code in KNOWN_CODES else OTHER
            CLOSES.labels(self._endpoint, known, by).add()

    def released(self) -> None:
        """Stop counting the connection as open; harmless if it is not."""
        if self._open:
            self._open = False
            CONNECTIONS.labels(self._endpoint).add(-1)
