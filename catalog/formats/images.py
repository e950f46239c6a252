"""Arrays as images: PNG for display, TIFF with the exact values."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from .exports import Export, unsupported_data_error, unsupported_shape_error

Array = np.ndarray[Any, Any]

RENDERED_KINDS = "biufc"
LOW, HIGH = 1, 99
# Pillow's limit: readers reject larger images as decompression bombs.
MAX_PIXELS = 89_478_485
# Percentiles of more values are computed from an evenly spaced sample of this size.
SAMPLE = 1_000_000
CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
TIFF_KINDS = "biufc"
MAX_ITEM_BYTES = 8


def png(export: Export[Array]) -> bytes:
    """Return an image of an array of up to two dimensions, or three with colours as the last.

    Values from the 1st to the 99th percentile are scaled from black to white; NaN is black.
    8-bit colours and alpha channels are not scaled.
    """
    from PIL import Image

    pixels = _pixels(export)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    flat = pixels[:, :, 0] if channels == 1 and pixels.ndim == 3 else pixels
    file = io.BytesIO()
    height, width = flat.shape[:2]
    octets = np.ascontiguousarray(flat).tobytes()
    Image.frombytes(CHANNELS[channels], (width, height), octets).save(file, "PNG")
    return file.getvalue()


def tiff(export: Export[Array]) -> bytes:
    """Return a TIFF file of the unscaled values, with one page per image of a 3D array.

    A last dimension of 3 or 4 in an array of small unsigned integers is a colour dimension.
    """
    import tifffile

    array = np.atleast_2d(export.data)
    if array.ndim > 4 or not array.size:
        raise unsupported_shape_error(export.data.shape, export.media_type)
    if array.dtype.kind not in TIFF_KINDS or _too_wide(array.dtype):
        raise unsupported_data_error(
            f"elements of {array.dtype} cannot be pixels", export.media_type
        )
    coloured = array.ndim > 2 and array.shape[-1] in (3, 4) and array.dtype in (np.uint8, np.uint16)
    file = io.BytesIO()
    photometric = "rgb" if coloured else "minisblack"
    tifffile.imwrite(file, array, photometric=photometric)
    return file.getvalue()


def can_render(array: Array) -> bool:
    """Return whether `png` can render the shape of an array."""
    fits = array.ndim <= 2 or (array.ndim == 3 and array.shape[2] in CHANNELS)
    return array.dtype.kind in RENDERED_KINDS and fits and 0 < _count_pixels(array) <= MAX_PIXELS


def _pixels(export: Export[Array]) -> Array:
    array = export.data
    if array.dtype.kind not in RENDERED_KINDS:
        raise unsupported_data_error(
            f"elements of {array.dtype} cannot be rendered", export.media_type
        )
    if not can_render(array):
        raise unsupported_shape_error(array.shape, export.media_type)
    array = np.atleast_2d(array)
    if array.ndim == 2 or array.shape[2] == 1:
        return _brightness(array)
    if array.dtype == np.uint8:
        return array
    colours = array.shape[2] - (array.shape[2] + 1) % 2
    scaled = _brightness(array[:, :, :colours])
    if colours == array.shape[2]:
        return scaled
    return np.concatenate([scaled, _opacity(array[:, :, colours:])], axis=2)


def _brightness(array: Array) -> Array:
    """Scale values to bytes, from the low to the high percentile of the finite ones."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.abs(array) if array.dtype.kind == "c" else array
    with np.errstate(over="ignore", invalid="ignore"):
        values = values.astype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    flat = values.ravel()
    sample = flat[:: -(-flat.size // SAMPLE)]
    finite = sample[np.isfinite(sample)]
    low, high = np.percentile(finite, [LOW, HIGH]) if finite.size else (0.0, 0.0)
    return _bytes(values, float(low), float(high))


def _opacity(array: Array) -> Array:
    """Return an alpha channel as bytes: integers scaled by their type's maximum, floats by 1."""
    maximum = float(np.iinfo(array.dtype).max) if array.dtype.kind in "iu" else 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.abs(array).astype(np.float64)
    return _bytes(values, 0.0, maximum)


def _bytes(values: Array, low: float, high: float) -> Array:
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return np.zeros(values.shape, np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.clip((values - low) * (255 / span), 0, 255)
    return np.nan_to_num(scaled, copy=False).round().astype(np.uint8)


def _count_pixels(array: Array) -> int:
    return math.prod(array.shape[:2]) if array.ndim > 1 else array.size


def _too_wide(dtype: np.dtype[Any]) -> bool:
    return dtype.itemsize // (2 if dtype.kind == "c" else 1) > MAX_ITEM_BYTES
