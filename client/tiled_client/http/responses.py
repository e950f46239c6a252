"""What a server answers, decoded, or written to a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..errors import TiledClientError, UnreadableAnswer, error_for_status

JSON = "application/json"
MSGPACK = "application/x-msgpack"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer to a request."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def value(self) -> Any:
        """The decoded body. Raises UnreadableAnswer."""
        kind = self.headers.get("Content-Type", "").partition(";")[0]
        try:
            if kind == MSGPACK:
                import msgpack

                return msgpack.unpackb(self.content, timestamp=3, strict_map_key=False)
            return json.loads(self.content)
        except ValueError as error:
            raise UnreadableAnswer(
                f"{self.url} answered with something that is neither JSON nor msgpack; "
                "is this the address of a Tiled server?"
            ) from error

    def error(self) -> TiledClientError:
        """What went wrong, for a status of 400 or more."""
        after = self.headers.get("Retry-After", "")
        retry_after = float(after) if after.replace(".", "", 1).isdigit() else None
        return error_for_status(self.status, self._detail(), retry_after=retry_after)

    def _detail(self) -> str:
        try:
            detail = json.loads(self.content)["detail"]
        except (ValueError, KeyError, TypeError):
            detail = self.content[:500].decode(errors="replace") or "no explanation"
        return f"{detail if isinstance(detail, str) else json.dumps(detail)} ({self.url})"


class Sink:
    """A file that an answer is written to; what an attempt has left there is written over."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() else None
        self._begun = False

    def take(self, pieces: Iterable[bytes]) -> None:
        """Write the pieces. Raises UnreadableAnswer for a second attempt at what has no start."""
        if self._begun:
            if self._start is None:
                raise UnreadableAnswer("The connection broke while the answer was being written.")
            self._file.seek(self._start)
            self._file.truncate()
        for piece in pieces:
            self._begun = True
            self._file.write(piece)
