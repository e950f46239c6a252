"""Requests for what is only shown: made once, without retries, and given up after a short time.

An object is shown in logs, in debuggers and by mistake. So nothing here raises an error of the
server or of the network, nothing waits long, and no progress bar appears.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ...http.operations import Asynchronous

T = TypeVar("T")

REPR_SECONDS = 3.0
HTML_SECONDS = 6.0


class BriefSession:
    """A session at the same server, whose requests have to be complete after some seconds."""

    def __init__(self, session: Any, seconds: float) -> None:
        self.http = session.http
        self.requests = session.requests.brief(seconds)
        self.structure_clients = session.structure_clients


def briefly(node: Any, function: Callable[[Any], T], seconds: float = REPR_SECONDS) -> T:
    """Return `function` of a copy of a node whose requests are brief.

    A thread calls it, since a slow response or the renewal of a login could take longer than any
    timeout of a request. Raises what it raises, and TimeoutError.
    """
    if isinstance(node, Asynchronous):
        raise TypeError("requests of asyncio's client have to be awaited")
    limited = copy.copy(node)
    limited._session = BriefSession(node._session, seconds)
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function(limited))
        except BaseException as error:  # noqa: BLE001 - raised by the caller's thread
            errors.append(error)
        finally:
            limited._session.requests.transport.close_session()

    thread = threading.Thread(target=call, name="tiled-client-display", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no response within {seconds:g} s")
    return results[0]
