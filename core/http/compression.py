"""HTTP compression of responses.

Compress only if the client accepts an encoding, and the body is large, of a compressible type, and
gets smaller. Source: docs/reference/tiled-protocol/http.md, "Compression and caching".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from . import server_timing
from .buffer_responses import BufferResponse, Piece
from .content_encodings import ENCODERS, Encoder

MIN_BYTES = 1000
NUMBERS = ("blosc2", "zstd", "gzip")
TEXTS = ("zstd", "gzip")
# The encodings for each media type, the best first.
COMPRESSIBLE: dict[str, tuple[str, ...]] = {
    "application/octet-stream": NUMBERS,
    "application/vnd.apache.arrow.file": NUMBERS,
    "application/json": TEXTS,
    "application/x-msgpack": TEXTS,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": TEXTS,
    "text/csv": TEXTS,
    "text/x-comma-separated-values": TEXTS,
    "text/plain": TEXTS,
    "text/html": TEXTS,
}
MAX_RATIO = 1 / 0.9
# From this size on, compress samples first. Binary numbers that hardly shrink are sent faster
# uncompressed, so a higher ratio is required.
SAMPLED_BYTES = 128 * 1024
SAMPLE_BYTES = 16 * 1024
MAX_SAMPLE_RATIO = 1.25


def compress_response(request: Request, response: HttpResponseBase) -> HttpResponseBase:
    """Return `response` with a compressed body, if the client accepts that and it pays."""
    known = COMPRESSIBLE.get(_media_type(response), ())
    if not known or response.status_code >= 400 or response.has_header("Content-Encoding"):
        return response
    if response.has_header("Content-Range"):
        # The range counts uncompressed bytes.
        return response
    if isinstance(response, StreamingHttpResponse):
        return _compressed_stream(request, response, known)
    assert isinstance(response, HttpResponse)
    body = response.body if isinstance(response, BufferResponse) else response.content
    if len(body) < MIN_BYTES:
        return response
    patch_vary_headers(response, ("Accept-Encoding",))
    name = choose_encoding(request.META.get("HTTP_ACCEPT_ENCODING", ""), known)
    if name is not None:
        _compress(response, body, name)
    return response


def choose_encoding(header: str, known: tuple[str, ...]) -> str | None:
    """Return the first of `known` among the encodings that the client prefers, or None.

    `*` counts as gzip, which every client knows.
    """
    liked = _weights(header)
    if "*" in liked:
        liked.setdefault("gzip", liked["*"])
    best = max((liked.get(name, 0.0) for name in known), default=0.0)
    if not best or liked.get("identity", 0.0) > best:
        return None
    return next(name for name in known if liked.get(name, 0.0) == best)


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip()] = _weight(parameter)
    return weights


def _weight(parameter: str) -> float:
    key, _, value = parameter.partition("=")
    if key.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _compress(response: HttpResponse, body: Piece, name: str) -> None:
    itemsize = getattr(response, "itemsize", 1)
    if len(body) >= SAMPLED_BYTES and not _shrinks(body, name, itemsize):
        return
    with server_timing.measure("compress"):
        encoded = ENCODERS[name](itemsize).whole(body)
    ratio = len(body) / max(len(encoded), 1)
    if ratio <= MAX_RATIO:
        return
    response.content = encoded
    response.headers["Content-Encoding"] = name
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(encoded))
    server_timing.annotate_ratio("compress", ratio)


def _shrinks(body: Piece, name: str, itemsize: int) -> bool:
    """Return whether samples from the beginning, the middle and the end get much smaller."""
    step = (len(body) - SAMPLE_BYTES) // 2 // itemsize * itemsize
    view = memoryview(body)
    samples = [view[start : start + SAMPLE_BYTES] for start in (0, step, 2 * step)]
    encoded = sum(len(ENCODERS[name](itemsize).whole(sample)) for sample in samples)
    return MAX_SAMPLE_RATIO * encoded < 3 * SAMPLE_BYTES


def _compressed_stream(
    request: Request, response: StreamingHttpResponse, known: tuple[str, ...]
) -> StreamingHttpResponse:
    patch_vary_headers(response, ("Accept-Encoding",))
    name = choose_encoding(request.META.get("HTTP_ACCEPT_ENCODING", ""), known)
    if name is None or response.is_async:
        return response
    pieces: Iterator[Any] = iter(response)
    first = next(pieces, b"")
    itemsize = getattr(response, "itemsize", 1)
    if len(first) >= MIN_BYTES and _shrinks_at_first(first, name, itemsize):
        response.streaming_content = _encoded(ENCODERS[name](itemsize), first, pieces)
        response.headers["Content-Encoding"] = name
        del response.headers["Content-Length"]
    else:
        response.streaming_content = _again(first, pieces)
    return response


def _shrinks_at_first(piece: Piece, name: str, itemsize: int) -> bool:
    if len(piece) >= SAMPLED_BYTES:
        return _shrinks(piece, name, itemsize)
    return len(piece) > MAX_RATIO * len(ENCODERS[name](itemsize).whole(piece))


def _again(first: Piece, pieces: Iterable[Piece]) -> Iterator[Piece]:
    yield first
    yield from pieces


def _encoded(encoder: Encoder, first: Piece, pieces: Iterable[Piece]) -> Iterator[bytes]:
    for piece in _again(first, pieces):
        if encoded := encoder.encode(piece):
            yield encoded
    if last := encoder.end():
        yield last


def _media_type(response: HttpResponseBase) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
