"""HTTP responses: decoded from JSON or MessagePack, or written to a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from ..errors import InvalidResponse, TiledClientError
from ..uris import without_secrets
from .error_responses import error_for_response
from .request import Request

JSON = "application/json"
MSGPACK = "application/x-msgpack"
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response; `content` is empty where it was streamed."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def with_content(self, content: bytes) -> Response:
        """Return this response with its body."""
        return replace(self, content=content)

    def value(self) -> Any:
        """Return the decoded body. Raises InvalidResponse."""
        media_type = self.headers.get("Content-Type", "").partition(";")[0]
        try:
            if media_type == MSGPACK:
                import msgpack

                return msgpack.unpackb(self.content, timestamp=3, strict_map_key=False)
            return json.loads(self.content)
        except ValueError as error:
            kind = "a page of HTML" if media_type == "text/html" else "neither JSON nor MessagePack"
            raise InvalidResponse(
                f"The response is {kind}; is this the URL of a Tiled server?",
                url=without_secrets(self.url),
            ) from error

    def error(self, request: Request) -> TiledClientError:
        """Return the error that a status of 400 or more stands for."""
        return error_for_response(self.status, self.headers, self.content, request)


class FileSink:
    """A file that a response is written to; a retry overwrites what the attempt before it wrote."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() else None
        self._has_written = False

    def begin(self, response: Response) -> None:
        """Start an attempt. Raises InvalidResponse for a retry into a file that cannot seek."""
        if self._has_written:
            if self._start is None:
                raise InvalidResponse(
                    "The connection broke during a download, which cannot be retried: the file "
                    "is not seekable."
                )
            self._file.seek(self._start)
            self._file.truncate()

    def write(self, chunk: bytes) -> None:
        """Write a chunk."""
        self._has_written = True
        self._file.write(chunk)


class MemorySink:
    """Memory that a response is written to; a retry overwrites what the attempt before it wrote."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._received = 0

    @property
    def complete(self) -> bool:
        """Whether the response has filled the memory, and had no more bytes."""
        return self._received == len(self._memory)

    def begin(self, response: Response) -> None:
        """Start an attempt."""
        self._received = 0

    def next_memory(self, size: int) -> memoryview:
        """Return the memory of the next chunk of up to `size` bytes; empty if all is filled."""
        return self._memory[self._received : self._received + size]

    def write(self, chunk: bytes | memoryview) -> None:
        """Write a chunk that is not in `next_memory` yet; one that does not fit is only counted."""
        end = self._received + len(chunk)
        if end <= len(self._memory) and not isinstance(chunk, memoryview):
            self._memory[self._received : end] = chunk
        self._received = end
