"""Encodings of payloads, compared with the libraries that write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiled_client.wire.blosc_chunks import chunk_of_bitshuffle
from tiled_client.wire.encodings import (
    COMPRESSED,
    PayloadEncoding,
    decode_payload,
    encode_payload,
    encoded_size,
)
from tiled_client.wire.errors import WireError

from .compressed_frames import bitshuffle_lz4, compressed, sparse_frames

DTYPES = ["<u1", "<u2", "<u4", "<f8", "<c16"]
KINDS = ["zeros", "counts", "noise"]


def array_of(kind: str, dtype: str, size: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(size)
    if kind == "zeros":
        return np.zeros(size, dtype)
    if kind == "counts":
        return rng.poisson(0.1, size).astype(dtype)
    return np.frombuffer(rng.bytes(size * np.dtype(dtype).itemsize), dtype)


def decoded(encoding: PayloadEncoding, payload: bytes, array: np.ndarray[Any, Any]) -> bytes:
    found = decode_payload(encoding, payload, nbytes=array.nbytes, itemsize=array.itemsize)
    return found.tobytes()


arrays = st.builds(
    array_of, st.sampled_from(KINDS), st.sampled_from(DTYPES), st.integers(1, 3 * 4096 + 17)
)


@given(arrays, st.sampled_from([0, 8, 64]))
@settings(max_examples=150, deadline=None)
def test_what_the_filter_of_hdf5_writes_is_decoded_to_the_byte(
    array: np.ndarray[Any, Any], block: int
) -> None:
    assert decoded(PayloadEncoding.bitshuffle_lz4, bitshuffle_lz4(array, block=block), array) == (
        array.tobytes()
    )


@given(arrays, st.sampled_from([one for one in COMPRESSED if one != "bitshuffle-lz4"]))
@settings(max_examples=150, deadline=None)
def test_what_is_encoded_is_decoded_to_the_byte(
    array: np.ndarray[Any, Any], encoding: PayloadEncoding
) -> None:
    payload = encode_payload(encoding, array)
    assert encoded_size(encoding, payload) == array.nbytes
    assert decoded(encoding, payload, array) == array.tobytes()


@given(
    st.sampled_from(COMPRESSED),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 200),
)
@settings(max_examples=400, deadline=None)
def test_a_damaged_payload_is_rejected_or_has_the_expected_size(
    encoding: PayloadEncoding, changes: list[tuple[int, int]], missing: int
) -> None:
    array = sparse_frames(3001)
    payload = bytearray(compressed(encoding, array))
    for place, value in changes:
        payload[place % len(payload)] = value
    if missing:
        del payload[-missing:]
    try:
        content = decoded(encoding, bytes(payload), array)
    except WireError:
        return
    assert len(content) == array.nbytes


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_payload_of_another_size_is_rejected_before_it_is_decompressed(
    encoding: PayloadEncoding,
) -> None:
    payload = compressed(encoding, np.zeros(1 << 24, "u1"))
    with pytest.raises(WireError, match="16777216 bytes"):
        decode_payload(encoding, payload, nbytes=16, itemsize=1)


@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("size", [0, 3, 15])
def test_a_payload_without_a_whole_header_is_rejected(encoding: PayloadEncoding, size: int) -> None:
    payload = compressed(encoding, sparse_frames(64))[:size]
    with pytest.raises(WireError):
        decode_payload(encoding, payload, nbytes=128, itemsize=2)


def test_a_frame_of_a_detector_becomes_a_chunk_of_blosc_without_decompression() -> None:
    array = sparse_frames(256, 256)
    payload = bitshuffle_lz4(array)
    chunk = chunk_of_bitshuffle(payload, 2)
    # The first compressed block of 8 KB is found in both as it is.
    size = int.from_bytes(payload[12:16])
    assert payload[16 : 16 + size] in chunk
    assert decoded(PayloadEncoding.blosc, chunk, array) == array.tobytes()
