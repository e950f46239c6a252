"""Receive request bodies completely before a request is handled, in bounded memory."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from access.authentication.client_address import SCOPE_ADDRESS
from core.backend_failures import log_outage
from core.budgets import Budgets, Reservation

from .asgi_extensions import BUFFERED

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Authorize = Callable[[], Awaitable[None]]

# Memory for all arriving bodies of a process, and for one body; a larger one goes to a file.
MAX_MEMORY_BYTES = 64 << 20
MAX_BODY_MEMORY_BYTES = 16 << 20


class Disconnected(Exception):
    """The client disconnected before the body was complete."""


class BodyTooLarge(Exception):
    """The body exceeds the limit; the text is for the client."""

    status = 413
    headers: dict[str, str] = {}


class BodyRejected(Exception):
    """The body was rejected before it was received; the argument is the response."""


class InsufficientStorage(BodyTooLarge):
    """The body cannot be stored now; `status` is 507 if the disk is full."""

    status = 503
    headers = {"Retry-After": "5"}

    @classmethod
    def on(cls, error: OSError) -> InsufficientStorage:
        """Return the error for a temporary file that could not be written."""
        outage = log_outage(error)
        if outage is None:
            return cls(f"The body cannot be kept now ({error.strerror}). Try again soon.")
        refusal = cls(outage.detail)
        refusal.status = outage.status
        refusal.headers = {"Retry-After": str(outage.retry_after)}
        return refusal


class BufferedBody:
    """The received part of a request body, in memory or in a temporary file."""

    def __init__(
        self,
        bodies: BodyReceiver,
        *,
        expected: int = 0,
        file: IO[bytes] | None = None,
        address: str = "",
    ) -> None:
        self._bodies = bodies
        self._address = address
        self._parts: list[bytes] = []
        self._file = file
        self._in_memory = 0
        # A file that the ASGI server created is counted by that server.
        self._counted = ExitStack()
        self._on_disk: Reservation | None = None
        self._in_file = expected > MAX_BODY_MEMORY_BYTES
        self.size = 0 if file is None else file.seek(0, 2)

    def append(self, part: bytes) -> bool:
        """Keep another part in memory; return False if it has to go to a file."""
        if self._file is not None or not self._fits(len(part)):
            return False
        self.size += len(part)
        self._in_memory += len(part)
        self._parts.append(part)
        return True

    def write(self, part: bytes) -> None:
        """Write another part, after all others, to the file. Raises Unavailable."""
        if self._file is None:
            self._on_disk = self._bodies.counted(self._counted, self._address)
            self._file = self._bodies.new_file()
            self._write(*self._parts)
            self._release()
        self.size += len(part)
        self._write(part)

    def _write(self, *parts: bytes) -> None:
        assert self._file is not None
        if self._on_disk is not None:
            self._on_disk.by(sum(map(len, parts)))
        self._file.writelines(parts)

    def file(self) -> IO[bytes]:
        """Return the whole body as a file at its beginning. Call it once."""
        if self._file is not None:
            self._file.seek(0)
            return self._file
        # Reading all of it at once returns this object, without a copy.
        whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        return io.BytesIO(whole)

    def close(self) -> None:
        """Release the memory or the file of the body."""
        self._release()
        if self._file is not None:
            self._file.close()
        self._counted.close()

    def _fits(self, size: int) -> bool:
        if self._in_file:
            return False
        return self._in_memory + size <= MAX_BODY_MEMORY_BYTES and self._bodies.reserve(size)

    def _release(self) -> None:
        self._parts.clear()
        self._bodies.release(self._in_memory)
        self._in_memory = 0


class BodyReceiver:
    """Receives request bodies; keeps at most `memory` bytes of them in memory per process.

    Large bodies, and all beyond that, are written to temporary files in `folder`, so that uploads
    cost disk and no memory. It is best in the storage directory: `/tmp` may be in memory, and
    stored data need not be copied between file systems. `largest` is the maximum size of a body in
    bytes. Temporary files count against `budgets`.
    """

    def __init__(
        self,
        *,
        largest: int,
        memory: int = MAX_MEMORY_BYTES,
        folder: Path | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self._largest = largest
        self._memory = self._free = memory
        self.arriving = 0
        """The number of bodies that are not complete yet."""
        self._folder = folder
        self._budgets = budgets

    async def receive(
        self, scope: Mapping[str, Any], receive: Receive, authorize: Authorize | None = None
    ) -> BufferedBody:
        """Receive the whole body. Raises Disconnected, InsufficientStorage, BodyTooLarge.

        Of a body of more than `MAX_BODY_MEMORY_BYTES`, and of any that no longer fits into memory,
        nothing is read until `authorize` has returned; its exceptions propagate.
        """
        expected = declared_length(scope)
        self._check(expected)
        address = scope.get(SCOPE_ADDRESS, "")
        body = BufferedBody(self, expected=expected, file=_buffered_file(scope), address=address)
        preflight = _Preflight(authorize)
        self.arriving += 1
        try:
            if max(expected, body.size) > MAX_BODY_MEMORY_BYTES:
                await preflight.check()
            while await self._more(body, receive, preflight):
                pass
            self._check(body.size)
        except OSError as error:
            body.close()
            raise InsufficientStorage.on(error) from error
        except BaseException:
            body.close()
            raise
        finally:
            self.arriving -= 1
        return body

    @property
    def used(self) -> int:
        """Bytes of memory that hold bodies."""
        return self._memory - self._free

    def new_file(self) -> IO[bytes]:
        """Create a file without a name, which is gone when it is closed or the process ends."""
        return tempfile.TemporaryFile(dir=self._folder)

    def counted(self, until: ExitStack, address: str) -> Reservation | None:
        """Count a file of `address`, and return the reservation of its bytes, until `until` closes.

        Raises Exhausted at the limit of files. Return None if there are no budgets.
        """
        if self._budgets is None:
            return None
        until.enter_context(self._budgets.temporary_files.held(1, address))
        return until.enter_context(Reservation(self._budgets.temporary_bytes, address))

    async def _more(self, body: BufferedBody, receive: Receive, preflight: _Preflight) -> bool:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if part := message.get("body"):
            self._check(body.size + len(part))
            if not body.append(part):
                await preflight.check(small=body.size + len(part) <= MAX_BODY_MEMORY_BYTES)
                body.write(part)
        return bool(message.get("more_body", False))

    def _check(self, size: int) -> None:
        if size > self._largest:
            raise BodyTooLarge(
                f"The body may have at most {self._largest} bytes (the setting "
                "server.max_body_bytes). Write larger data in pieces."
            )

    def reserve(self, size: int) -> bool:
        """Reserve `size` bytes of memory; return False if not enough are left."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def release(self, size: int) -> None:
        """Return `size` bytes of memory to the pool."""
        self._free += size


class _Preflight:
    """The check of whether the body of a request may be written to a file; runs once."""

    def __init__(self, authorize: Authorize | None) -> None:
        self._admit = authorize

    async def check(self, *, small: bool = False) -> None:
        """Call `authorize`, the first time; its exceptions propagate.

        A `small` body is not rejected for its size: it goes to a file for lack of memory only.
        """
        authorize, self._admit = self._admit, None
        if authorize is None:
            return
        try:
            await authorize()
        except BodyRejected as rejected:
            if small and rejected.args[0].status == BodyTooLarge.status:
                raise InsufficientStorage("Insufficient memory for the request body now.") from None
            raise


def declared_length(scope: Mapping[str, Any]) -> int:
    """Return the Content-Length; 0 if there is none."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _buffered_file(scope: Mapping[str, Any]) -> IO[bytes] | None:
    extension = (scope.get("extensions") or {}).get(BUFFERED)
    return None if extension is None else extension["file"]
