"""HTTP responses: decoded from JSON or MessagePack, or written to a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import InvalidResponse, TiledClientError, error_for_status

JSON = "application/json"
MSGPACK = "application/x-msgpack"
OCTETS = "application/octet-stream"

MAX_DETAIL_BYTES = 500


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response; `content` is empty where it was streamed."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def value(self) -> Any:
        """Return the decoded body. Raises InvalidResponse."""
        media_type = self.headers.get("Content-Type", "").partition(";")[0]
        try:
            if media_type == MSGPACK:
                import msgpack

                return msgpack.unpackb(self.content, timestamp=3, strict_map_key=False)
            return json.loads(self.content)
        except ValueError as error:
            raise InvalidResponse(
                f"The response of {self.url} is neither JSON nor MessagePack; "
                "is this the URL of a Tiled server?"
            ) from error

    def error(self) -> TiledClientError:
        """Return the error that a status of 400 or more stands for."""
        after = self.headers.get("Retry-After", "")
        retry_after = float(after) if after.replace(".", "", 1).isdigit() else None
        return error_for_status(self.status, self._detail(), retry_after=retry_after)

    def _detail(self) -> str:
        try:
            detail = json.loads(self.content)["detail"]
        except (ValueError, KeyError, TypeError):
            text = self.content[:MAX_DETAIL_BYTES].decode(errors="replace")
            detail = text or "no explanation"
        return f"{detail if isinstance(detail, str) else json.dumps(detail)} ({self.url})"


class FileSink:
    """A file that a response is written to; a retry overwrites what the attempt before it wrote."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() else None
        self._has_written = False

    def write(self, chunks: Iterable[bytes]) -> None:
        """Write the chunks. Raises InvalidResponse for a retry into a file that cannot seek."""
        if self._has_written:
            if self._start is None:
                raise InvalidResponse(
                    "The connection broke during a download, which cannot be retried: the file "
                    "is not seekable."
                )
            self._file.seek(self._start)
            self._file.truncate()
        for chunk in chunks:
            self._has_written = True
            self._file.write(chunk)
