"""Bodies of requests: they arrive before anything is done with them, and wait in bounded memory."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

MEMORY = 256 << 20


class Disconnected(Exception):
    """The client went away before all had arrived."""


class TooLarge(Exception):
    """The body is larger than any may be; the text says it to the client."""


class Body:
    """What has arrived of one request's body: in memory, or in a temporary file."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._in_memory = 0
        self.size = 0

    def add(self, part: bytes) -> None:
        """Keep another part."""
        self.size += len(part)
        if self._file is None and self._bodies.reserve(len(part)):
            self._in_memory += len(part)
            self._parts.append(part)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the request
            self._file.writelines(self._parts)
            self._release()
        self._file.write(part)

    def file(self) -> IO[bytes]:
        """The whole body, to be read from its beginning. To be asked for once."""
        if self._file is not None:
            self._file.seek(0)
            return self._file
        # Reading all of it at once gives this object, and no copy.
        whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        return io.BytesIO(whole)

    def close(self) -> None:
        """Forget it."""
        self._release()
        if self._file is not None:
            self._file.close()

    def _release(self) -> None:
        self._parts.clear()
        self._bodies.give_back(self._in_memory)
        self._in_memory = 0


class Bodies:
    """All bodies that are under way in one process: at most `memory` bytes of them in memory.

    What arrives beyond that goes to temporary files, so that a hundred slow uploads cost disk, and
    no memory. `largest` is the most bytes that one may have.
    """

    def __init__(self, *, largest: int, memory: int = MEMORY) -> None:
        self._largest = largest
        self._free = memory

    async def receive(self, scope: Mapping[str, Any], receive: Receive) -> Body:
        """The whole body. Raises Disconnected, or TooLarge: at once where the request says so."""
        self._check(declared_length(scope))
        body = Body(self)
        try:
            while await self._more(body, receive):
                self._check(body.size)
            self._check(body.size)
        except BaseException:
            body.close()
            raise
        return body

    async def _more(self, body: Body, receive: Receive) -> bool:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if part := message.get("body"):
            body.add(part)
        return bool(message.get("more_body", False))

    def _check(self, size: int) -> None:
        if size > self._largest:
            raise TooLarge(
                f"The body may have at most {self._largest} bytes (the setting "
                "server.largest_body). Write larger data in pieces."
            )

    def reserve(self, size: int) -> bool:
        """Take `size` bytes of memory, if there are so many left."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Say that `size` bytes are free again."""
        self._free += size


def declared_length(scope: Mapping[str, Any]) -> int:
    """The Content-Length; 0 if there is none."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
