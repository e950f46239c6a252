"""The documents of a run, as the server exports them: a JSON text sequence (RFC 7464)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from ..errors import InvalidResponse
from ..http.request_client import RequestClient
from ..uris import Path

Document = tuple[str, dict[str, Any]]

JSON_SEQUENCE = "application/json-seq"
RECORD_SEPARATOR = b"\x1e"
# Longer sequences are in a file meanwhile.
MAX_BYTES_IN_MEMORY = 8 << 20


async def fetch_documents(requests: RequestClient, path: Path) -> Iterator[Document]:
    """Fetch all documents of a run, and return an iterator that decodes one after another."""
    # As one download before the first is decoded: a callback may take any time.
    file = cast("BinaryIO", SpooledTemporaryFile(MAX_BYTES_IN_MEMORY))  # noqa: SIM115
    try:
        await requests.download("container/full", path, file, params={"format": JSON_SEQUENCE})
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _decode(file)


def _decode(file: BinaryIO) -> Iterator[Document]:
    with file:
        for line in file:
            record = line.lstrip(RECORD_SEPARATOR).strip()
            if not record:
                continue
            try:
                item = json.loads(record)
                name, document = item["name"], item["doc"]
            except (ValueError, TypeError, KeyError) as error:
                raise InvalidResponse("The server sent an invalid document of a run.") from error
            # The stop document of a run that is still being written is empty.
            if name != "stop" or document:
                yield name, document
