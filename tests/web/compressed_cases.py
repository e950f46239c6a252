"""Payloads of many shapes, types and blocks, for the JavaScript client to decompress."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.client.wire.compressed_frames import bitshuffle_lz4, compressed, sparse_frames

DTYPES = ("u1", "<i2", ">u2", "<f4", "<u8", "<c16", "S3")
SHAPES = ((1,), (7,), (8,), (13, 5), (31, 33), (3, 64, 80))
BLOCKS = (0, 8, 16, 1024)
STREAMED = [
    (encoding, frame)
    for encoding, frame in zip(
        ("bitshuffle-lz4", "lz4", "bitshuffle-lz4", "lz4"),
        sparse_frames(4, 64, 80),
        strict=True,
    )
]
"""Frames of the node `compressed`, and how each is sent."""


def cases() -> list[dict[str, Any]]:
    """Return each case as the tests in JavaScript take it."""
    found = [
        _case(f"{kind} {array.dtype} {array.shape}", encoding, payload, array)
        for kind, array in _arrays()
        for encoding, payload in _payloads(array)
    ]
    for number, (encoding, frame) in enumerate(STREAMED):
        payload = compressed(encoding, frame)
        found.append(_case("streamed", encoding, payload, frame) | {"streamed": number})
    return found


def _arrays() -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    random = np.random.default_rng(0)
    for dtype in map(np.dtype, DTYPES):
        for shape in SHAPES:
            size = int(np.prod(shape)) * dtype.itemsize
            # Few bits set, all bits, none, and the long repetitions of a pattern.
            kinds = {
                "sparse": random.poisson(0.05, size),
                "noise": random.integers(0, 256, size),
                "zeros": np.zeros(size),
                "pattern": np.arange(size) % 7,
            }
            for kind, content in kinds.items():
                yield kind, content.astype("u1").view(dtype).reshape(shape)


def _payloads(array: np.ndarray[Any, Any]) -> Iterator[tuple[str, bytes]]:
    yield "lz4", compressed("lz4", array)
    for block in BLOCKS:
        yield "bitshuffle-lz4", bitshuffle_lz4(array, block=block)


def _case(name: str, encoding: str, payload: bytes, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {
        "name": f"{name} in {encoding} of {len(payload)} bytes",
        "encoding": encoding,
        "payload": base64.b64encode(payload).decode(),
        "content": base64.b64encode(array.tobytes()).decode(),
        "itemsize": array.dtype.itemsize,
        "shape": array.shape,
    }
