"""Payloads as producers make them, for tests."""

from __future__ import annotations

import io
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from tiled_client.wire.encodings import PayloadEncoding, encode_payload


def bitshuffle_lz4(array: np.ndarray[Any, Any], *, block: int = 0) -> bytes:
    """Return what HDF5's filter 32008 writes, in blocks of `block` elements or its default."""
    options = hdf5plugin.Bitshuffle(nelems=block, cname="lz4")
    with h5py.File(io.BytesIO(), "w") as file:
        dataset = file.create_dataset("x", data=array, chunks=array.shape, **options)
        mask, payload = dataset.id.read_direct_chunk((0,) * array.ndim)
    assert not mask
    return bytes(payload)


def compressed(encoding: PayloadEncoding | str, array: np.ndarray[Any, Any]) -> bytes:
    """Return an array as a producer sends it in `encoding`."""
    if encoding == PayloadEncoding.bitshuffle_lz4:
        return bitshuffle_lz4(array)
    return encode_payload(encoding, array)


def sparse_frames(*shape: int, dtype: str = "<u2", seed: int = 0) -> np.ndarray[Any, Any]:
    """Return frames of a photon-counting detector: mostly zeros."""
    return np.random.default_rng(seed).poisson(0.05, shape).astype(dtype)
