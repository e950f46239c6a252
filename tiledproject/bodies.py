"""Bodies of requests: they arrive before anything is done with them, and wait in bounded memory."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO, Any

from catalog.outages import complain

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Admit = Callable[[], Awaitable[None]]

# Of all bodies under way in one process; and of one, which otherwise is in a file from the start.
MEMORY = 64 << 20
MEMORY_OF_ONE = 16 << 20
# The name in `scope["extensions"]` of a body that the server below has put into a file already.
ARRIVED = "tiled.body"
# Of a request that only asks whether its body may come, which is answered with `GO_ON`; and of one
# whose body was let go by, because it was not to come.
ASKED = "tiled.asked"
DROPPED = "tiled.dropped"
GO_ON = 100


class Disconnected(Exception):
    """The client went away before all had arrived."""


class TooLarge(Exception):
    """The body is larger than any may be; the text says it to the client."""

    status = 413
    retry_after: int | None = None


class Refused(Exception):
    """The body may not come; the argument is the answer."""


class NoRoom(TooLarge):
    """The body cannot be kept now; where that is for want of room, `status` is 507."""

    status = 503
    retry_after = 1

    @classmethod
    def on(cls, error: OSError) -> NoRoom:
        """The error for a temporary file that could not be written."""
        outage = complain(error)
        if outage is None:
            return cls(f"The body cannot be kept now ({error.strerror}). Try again soon.")
        refusal = cls(outage.detail)
        refusal.status, refusal.retry_after = outage.status, outage.retry_after
        return refusal


class Body:
    """What has arrived of one request's body: in memory, or in a temporary file."""

    def __init__(self, bodies: Bodies, *, expected: int = 0, file: IO[bytes] | None = None) -> None:
        self._bodies = bodies
        self._parts: list[bytes] = []
        self._file = file
        self._in_memory = 0
        self._in_file = expected > MEMORY_OF_ONE
        self.size = 0 if file is None else file.seek(0, 2)

    def add(self, part: bytes) -> None:
        """Keep another part."""
        self.size += len(part)
        if self._file is None and self._fits(len(part)):
            self._in_memory += len(part)
            self._parts.append(part)
            return
        if self._file is None:
            self._file = self._bodies.new_file()
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

    def _fits(self, size: int) -> bool:
        if self._in_file:
            return False
        return self._in_memory + size <= MEMORY_OF_ONE and self._bodies.reserve(size)

    def _release(self) -> None:
        self._parts.clear()
        self._bodies.give_back(self._in_memory)
        self._in_memory = 0


class Bodies:
    """All bodies that are under way in one process: at most `memory` bytes of them in memory.

    Large ones, and what arrives beyond that, go to temporary files in `folder`, so that uploads
    cost disk, and no memory. It is best the storage's: a folder in memory would help nobody, and
    what is stored then need not cross from disk to disk. `largest` is the most bytes that one may
    have.
    """

    def __init__(self, *, largest: int, memory: int = MEMORY, folder: Path | None = None) -> None:
        self._largest = largest
        self._free = memory
        self._folder = folder

    async def receive(
        self, scope: Mapping[str, Any], receive: Receive, admit: Admit | None = None
    ) -> Body:
        """The whole body. Raises Disconnected, NoRoom, TooLarge (at once if it says so).

        Of one of more than `MEMORY_OF_ONE` bytes no more is taken in until `admit` has returned;
        what that raises is raised.
        """
        expected = declared_length(scope)
        self._check(expected)
        body = Body(self, expected=expected, file=_arrived(scope))
        try:
            admitted = await _admitted(max(expected, body.size), admit)
            while await self._more(body, receive):
                self._check(body.size)
                admitted = admitted or await _admitted(body.size, admit)
            self._check(body.size)
        except OSError as error:
            body.close()
            raise NoRoom.on(error) from error
        except BaseException:
            body.close()
            raise
        return body

    def new_file(self) -> IO[bytes]:
        """A file without a name, which is gone when it is closed, or the process ends."""
        return tempfile.TemporaryFile(dir=self._folder)

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


async def _admitted(size: int, admit: Admit | None) -> bool:
    """Whether `admit` was asked, which only a large body needs."""
    if size <= MEMORY_OF_ONE or admit is None:
        return False
    await admit()
    return True


def declared_length(scope: Mapping[str, Any]) -> int:
    """The Content-Length; 0 if there is none."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _arrived(scope: Mapping[str, Any]) -> IO[bytes] | None:
    extension = (scope.get("extensions") or {}).get(ARRIVED)
    return None if extension is None else extension["file"]
