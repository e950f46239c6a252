"""Codecs of stored chunks: the `codecs` of `zarr.json`, and the content of a chunk's file.

A node's codec is the encoding in which its producer sends payloads. Two formats are stored, which
are in the specification of Zarr, and which zarr-python, tensorstore and others read:

================================================  ================================================
codec of the node                                 stored
================================================  ================================================
`zstd`                                            `zstd`, the payload as it is
`blosc`                                           `blosc`, the payload as it is
`bitshuffle-lz4`, `lz4`                           `blosc`: the compressed blocks as they are, behind
                                                  Blosc's header (see `wire.blosc_chunks`)
`blosc2`                                          `blosc`, compressed again: Zarr has no Blosc 2
================================================  ================================================

A payload of another encoding that has one of these forms is stored as it is, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tiled_client.wire.blosc_chunks import Buffer
from tiled_client.wire.encodings import (
    COMPRESSED,
    PayloadEncoding,
    as_blosc,
    decode_payload,
    encode_payload,
    encoded_size,
)

from .encoding import Array

MAX_BLOSC_ITEMSIZE = 255
NAMES: tuple[str, ...] = COMPRESSED


def zarr_codecs(codec: str | None, itemsize: int) -> list[dict[str, Any]]:
    """Return the `codecs` of `zarr.json` for elements of `itemsize` bytes."""
    codecs: list[dict[str, Any]] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if codec is None:
        return codecs
    if _stored_form(codec) is PayloadEncoding.zstd:
        configuration: dict[str, Any] = {"level": 1, "checksum": False}
    else:
        configuration = {
            "cname": "lz4",
            "clevel": 5,
            "shuffle": "bitshuffle",
            "typesize": itemsize if 0 < itemsize <= MAX_BLOSC_ITEMSIZE else 1,
            "blocksize": 0,
        }
    return [*codecs, {"name": _stored_form(codec).value, "configuration": configuration}]


def chunk_content(codec: str | None, chunk: Array) -> memoryview:
    """Return the content of a chunk's file or object."""
    if codec is not None:
        return memoryview(encode_payload(_stored_form(codec), chunk))
    return np.ascontiguousarray(chunk).reshape(-1).view("u1").data


def chunk_elements(
    codec: str, content: Buffer, dtype: np.dtype[Any], shape: Sequence[int]
) -> Array:
    """Return the chunk with this content. Raises WireError for a damaged one."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    found = decode_payload(_stored_form(codec), content, nbytes=nbytes, itemsize=dtype.itemsize)
    return found.view(dtype).reshape(shape)


def content_size(codec: str, content: Buffer) -> int:
    """Return the size of the elements that a content states. Raises WireError."""
    return encoded_size(_stored_form(codec), content)


def content_of_payload(
    codec: str, encoding: PayloadEncoding, payload: Buffer, itemsize: int
) -> Buffer | None:
    """Return a valid payload as content of a chunk; None if it has to be compressed again."""
    if _stored_form(codec) is PayloadEncoding.zstd:
        return payload if encoding is PayloadEncoding.zstd else None
    return as_blosc(encoding, payload, itemsize)


def _stored_form(codec: str) -> PayloadEncoding:
    return PayloadEncoding.zstd if codec == PayloadEncoding.zstd else PayloadEncoding.blosc
