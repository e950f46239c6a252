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
from .request_client import RequestClient
from .responses import Response
from .retries import Backoff

ENDPOINT = "asset/bytes"
FILE_NAME = re.compile(r'attachment; ?filename="(.*)"')


@dataclass(slots=True)
class Download:
    """Download of one file of an asset: the request, and the name and ETag that the server sent.

    `open_file` returns the file to write to, for the name of the file.
    """

    requests: RequestClient
    path: Path
    params: Mapping[str, Any]
    open_file: Callable[[str], BinaryIO]
    etag: str = ""
    name: str = ""
    _target: BinaryIO | None = None

    async def run(self) -> None:
        """Download the file.

        After an interruption the download resumes at the bytes that are missing, unless the file
        has changed on the server. Raises TiledClientError.
        """
        backoff, started = Backoff(), time.monotonic()
        while True:
            try:
                await self.requests.receive(
                    ENDPOINT, self.path, self, params=self.params, headers=self._range_headers()
                )
            except (TransportError, ServerError) as error:
                elapsed, attempt = time.monotonic() - started, backoff.attempts + 1
                if not self.requests.retries.allows(
                    error, repeatable=True, attempt=attempt, elapsed=elapsed
                ):
                    raise
                await self.requests.pause(error, backoff.next(error.retry_after), elapsed)
            else:
                return

    def begin(self, response: Response) -> None:
        """Open the file, or continue with it. Raises InvalidResponse."""
        self._read_headers(response)
        self._target = self._target or self.open_file(self.name)
        if response.status != 206:
            # Not a range: the whole file, because its ETag has changed.
            self._target.seek(0)
            self._target.truncate()

    def write(self, chunk: bytes) -> None:
        """Write a chunk."""
        assert self._target is not None
        self._target.write(chunk)

    def _range_headers(self) -> dict[str, str]:
        # Ranges count the bytes of the encoding that is sent, so compression is off.
        headers = {"Accept-Encoding": "identity"}
        target = self._target
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
