"""Resumable download of files, with HTTP range requests."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from ..errors import InvalidResponse, ServerError, TransportError
from ..uris import Path
from .client import HttpClient
from .responses import Response
from .retries import Backoff

ENDPOINT = "asset/bytes"
FILE_NAME = re.compile(r'attachment; ?filename="(.*)"')


@dataclass(slots=True)
class Download:
    """Download of one file of an asset: the request, and the name and ETag that the server sent."""

    http: HttpClient
    path: Path
    params: Mapping[str, Any]
    etag: str = ""
    name: str = ""

    def write_to(self, open_file: Callable[[str], BinaryIO]) -> None:
        """Download into the file that `open_file` returns for the file's name.

        After an interruption the download resumes at the bytes that are missing, unless the file
        has changed on the server. Raises TiledClientError.
        """
        backoff, started, target = Backoff(), time.monotonic(), None
        while True:
            try:
                with self.http.stream(
                    ENDPOINT, self.path, params=self.params, headers=self._range_headers(target)
                ) as (response, chunks):
                    self._read_headers(response)
                    target = target or open_file(self.name)
                    if response.status != 206:
                        # Not a range: the whole file, because its ETag has changed.
                        target.seek(0)
                        target.truncate()
                    for chunk in chunks:
                        target.write(chunk)
                    return
            except (TransportError, ServerError) as error:
                elapsed, attempt = time.monotonic() - started, backoff.attempts + 1
                if not self.http.retries.allows(
                    error, repeatable=True, attempt=attempt, elapsed=elapsed
                ):
                    raise
                time.sleep(backoff.next(error.retry_after))

    def _range_headers(self, target: BinaryIO | None) -> dict[str, str]:
        # Ranges count the bytes of the encoding that is sent, so compression is off.
        headers = {"Accept-Encoding": "identity"}
        if target is None or not self.etag or not target.tell():
            return headers
        return {**headers, "Range": f"bytes={target.tell()}-", "If-Range": self.etag}

    def _read_headers(self, response: Response) -> None:
        self.etag = response.headers.get("ETag", "")
        # Header fields are decoded as Latin-1, whatever their encoding.
        disposition = (
            response.headers.get("Content-Disposition", "")
            .encode("latin1")
            .decode("utf-8", "replace")
        )
        match = FILE_NAME.fullmatch(disposition)
        self.name = check_file_name(PurePosixPath(match[1]).name if match else "file")


def check_file_name(name: str) -> str:
    """Return a relative path that stays inside its folder. Raises InvalidResponse for others."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        raise InvalidResponse(f"The server sent the file name {name!r}, which leaves its folder.")
    return name
