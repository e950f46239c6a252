"""State of a connection as users see it, and the events at its loss and its replacement. No I/O.

| state          | meaning                                                        |
| -------------- | -------------------------------------------------------------- |
| `new`          | it has not been started                                        |
| `connecting`   | there has been no connection yet                               |
| `live`         | the server sends updates as they are written                   |
| `reconnecting` | the connection was lost, and is being replaced                 |
| `closed`       | it is over: closed by the producer, this side, or an error     |
"""

from __future__ import annotations

import time
from typing import Any, Literal

from ...errors import TiledClientError
from ..protocol.notices import ConnectionLost, ConnectionRestored

ConnectionState = Literal["new", "connecting", "live", "reconnecting", "closed"]


class ConnectionOutage:
    """The loss of one connection, for its `source`: a subscription, or a shared connection."""

    def __init__(self, source: Any) -> None:
        self.error: TiledClientError | None = None
        self._source = source
        self._since = 0.0

    def begin(self, error: TiledClientError) -> list[ConnectionLost]:
        """Record a loss; return the event, unless the connection is lost already."""
        if self.error is not None:
            return []
        self.error, self._since = error, time.monotonic()
        return [ConnectionLost(source=self._source, error=error)]

    def end(self) -> list[ConnectionRestored]:
        """Record that there is a connection again; return the event, unless none was lost."""
        if self.error is None:
            return []
        self.error = None
        return [ConnectionRestored(source=self._source, seconds=time.monotonic() - self._since)]
