"""Values of a dense array as they are sent: C-order bytes, or compressed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import names_of, whole_numbers
from .casting import cast_exactly
from .wire.blosc_chunks import library
from .wire.encodings import PayloadEncoding, encode_payload, encoded_size, parse_encoding

Body = bytes | memoryview


@dataclass(frozen=True, slots=True)
class EncodedValues:
    """The payload of a write, of `size` bytes when it is not compressed.

    `shape` is None for a payload that was compressed before, whose header has the size only.
    """

    payload: Body
    size: int
    shape: tuple[int, ...] | None = None
    encoding: str | None = None

    def fits(self, shape: Sequence[int], dtype: np.dtype[Any]) -> bool:
        """Return whether these may be all values of an array of this shape."""
        if self.shape is not None:
            return self.shape == tuple(shape)
        return self.size == math.prod(shape) * dtype.itemsize

    def fields(self) -> dict[str, str]:
        """Return the field of a frame that names the encoding."""
        return {} if self.encoding is None else {"encoding": self.encoding}

    def __str__(self) -> str:
        known = f"of shape {self.shape}" if self.shape is not None else f"of {self.size} bytes"
        return f"data {known}"


def encode_values(values: Any, dtype: np.dtype[Any], encoding: str | None) -> EncodedValues:
    """Return values of `dtype` as they are sent.

    Parameters
    ----------
    values
        An array, or any argument of `numpy.asarray`. With an `encoding`, also bytes that are
        encoded so.
    dtype
        The dtype of the array on the server.
    encoding
        The name of an encoding, in which an array is compressed; None to send it as it is.

    Raises
    ------
    TypeError
        If values do not fit, or bytes come without an encoding.
    ValueError
        If the encoding is unknown, a value would change, or the bytes are not encoded so.
    """
    if encoding is None:
        if isinstance(values, (bytes, bytearray, memoryview)) and dtype.kind not in "SV":
            raise TypeError("bytes need encoding=, as in encoding='bitshuffle-lz4'")
        array = cast_exactly(values, dtype)
        return EncodedValues(octets(array), array.nbytes, array.shape)
    name = parse_encoding(encoding)
    if isinstance(values, (bytes, bytearray, memoryview)):
        payload = memoryview(values).cast("B")
        return EncodedValues(payload, encoded_size(name, payload), None, name.value)
    array = cast_exactly(values, dtype)
    return EncodedValues(encode_payload(name, array), array.nbytes, array.shape, name.value)


def shape_of(values: EncodedValues, given: Sequence[int] | None) -> tuple[int, ...]:
    """Return the shape of values; that of bytes must be given. Raises TypeError, ValueError."""
    if values.shape is None and given is None:
        raise TypeError("bytes that are compressed already need shape=, the shape of the data")
    shape = values.shape if given is None else whole_numbers(given, "shape", minimum=0)
    assert shape is not None
    if values.shape not in (None, shape):
        raise ValueError(f"{values} are not of shape {shape}")
    return shape


def octets(array: np.ndarray[Any, Any]) -> Body:
    """Return the bytes of an array in C order, without a copy if they are in that order."""
    if not array.size or not array.itemsize:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def decodable_encodings(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return encodings that a subscriber accepts, after a check that it can decode them.

    Parameters
    ----------
    names
        A name, or several.

    Raises
    ------
    ValueError
        If one is unknown.
    ImportError
        If the library is not installed; the message has the command that installs it.
    """
    found = [names] if isinstance(names, str) else names_of(names, "accept_encoding")
    encodings = tuple(parse_encoding(name) for name in found)
    if not encodings:
        raise ValueError("accept_encoding must not be empty: leave it out to receive plain data")
    for encoding in encodings:
        library("blosc2" if encoding is PayloadEncoding.blosc2 else "numcodecs.blosc")
    return tuple(encoding.value for encoding in encodings)
