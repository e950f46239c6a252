"""Count the bytes of requests for data, so that a bar shows how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..progress.operations import advance, expect, is_tracked, track
from .request import Request

# Ends of the endpoints of data; other requests have no bar.
DATA_ENDPOINTS = ("/full", "/block", "/partition", "/buffers", "/bytes")
# Bodies are read in pieces of this size where they are counted: larger ones leave the bar behind,
# smaller ones cost time.
PIECE_BYTES = 4 << 20


def track_request(
    setting: bool | None, request: Request, *, to_file: bool = False
) -> AbstractContextManager[None]:
    """Show a bar during a request for data, if it takes long; see `track`."""
    if not request.endpoint.endswith(DATA_ENDPOINTS):
        return nullcontext()
    verb = "Writing" if _is_write(request) else "Downloading" if to_file else "Reading"
    return track(setting, f"{verb} /{'/'.join(request.path)}")


def expect_upload(request: Request) -> None:
    """Add the bytes of a body of data that is about to be sent."""
    if _is_write(request) and request.body is not None:
        expect(len(request.body))


def count_upload(request: Request) -> None:
    """Add the bytes of a body of data that was sent."""
    if _is_write(request) and request.body is not None:
        advance(len(request.body))


def read_body(request: Request, raw: Any, headers: Mapping[str, str]) -> bytes:
    """Read the body of a response from urllib3; piece by piece if its bytes are counted."""
    length = _length(headers)
    if not is_tracked() or _is_write(request):
        # One read: `requests` would join chunks of 10 KB.
        return raw.read(decode_content=True)  # type: ignore[no-any-return]
    expect(length)
    if 0 < length <= PIECE_BYTES:
        content: bytes = raw.read(decode_content=True)
        advance(length)
        return content
    pieces = []
    while piece := raw.read(PIECE_BYTES, decode_content=True):
        advance(len(piece))
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def count_chunks(chunks: Iterable[bytes], headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the chunks of a response, and count their bytes."""
    expect(_length(headers))
    for chunk in chunks:
        advance(len(chunk))
        yield chunk


def _is_write(request: Request) -> bool:
    return request.method in ("PUT", "PATCH")


def _length(headers: Mapping[str, str]) -> int:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else 0
