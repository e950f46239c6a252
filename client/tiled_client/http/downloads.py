"""Fetching files as they are, piece by piece; a download that breaks goes on where it was."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from ..errors import ServerFailure, TransportError, UnreadableAnswer
from ..uris import Path
from .client import Http
from .responses import Answer
from .retries import Backoff

ENDPOINT = "asset/bytes"
FILE_NAME = re.compile(r'attachment; ?filename="(.*)"')


@dataclass(slots=True)
class Download:
    """One file of an asset: the request for it, and how far it has come."""

    http: Http
    path: Path
    params: Mapping[str, Any]
    etag: str = ""
    name: str = ""

    def into(self, opened: Callable[[str], BinaryIO]) -> None:
        """Write the file to what `opened` gives for its name. Raises TiledClientError."""
        backoff, begun, target = Backoff(), time.monotonic(), None
        while True:
            try:
                with self.http.stream(
                    ENDPOINT, self.path, params=self.params, headers=self._rest(target)
                ) as (answer, pieces):
                    self._note(answer)
                    target = target or opened(self.name)
                    if answer.status != 206:
                        target.seek(0)
                        target.truncate()
                    for piece in pieces:
                        target.write(piece)
                    return
            except (TransportError, ServerFailure) as error:
                elapsed, attempt = time.monotonic() - begun, backoff.attempts + 1
                if not self.http.retries.allows(
                    error, repeatable=True, attempt=attempt, elapsed=elapsed
                ):
                    raise
                time.sleep(backoff.next(error.retry_after))

    def _rest(self, target: BinaryIO | None) -> dict[str, str]:
        # A range of compressed bytes would be of another file.
        plain = {"Accept-Encoding": "identity"}
        if target is None or not self.etag or not target.tell():
            return plain
        return {**plain, "Range": f"bytes={target.tell()}-", "If-Range": self.etag}

    def _note(self, answer: Answer) -> None:
        self.etag = answer.headers.get("ETag", "")
        # Header fields come as Latin-1, whatever they are.
        said = (
            answer.headers.get("Content-Disposition", "")
            .encode("latin1")
            .decode("utf-8", "replace")
        )
        found = FILE_NAME.fullmatch(said)
        self.name = checked_name(PurePosixPath(found[1]).name if found else "file")


def checked_name(name: str) -> str:
    """A path that stays where it is put. Raises UnreadableAnswer for any other."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        raise UnreadableAnswer(f"The server names a file {name!r}, which leads elsewhere.")
    return name
