"""What is requested for a canvas, and how what comes becomes a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tiled_client.live.drawings.images import limits_of
from tiled_client.live.drawings.thinning import thinned
from tiled_client.live.feeds.frames import (
    ImageLayout,
    Region,
    has_whole_images,
    last_image,
    request_for,
)
from tiled_client.live.looks import ImageLook
from tiled_client.wire.structures import ArrayStructure


def layout(*shape: int, dtype: str = "uint16", dims: tuple[str, ...] | None = None) -> ImageLayout:
    return ImageLayout.parse(ArrayStructure.from_array(np.empty(shape, dtype), dims=dims))


@pytest.mark.parametrize(
    ("shape", "dtype", "dims", "channels"),
    [
        ((8, 8, 3), "uint8", None, 3),
        ((32, 32, 4), "uint16", None, 4),
        ((8, 8, 3), "uint16", None, 1),
        ((8, 8, 3), "float32", ("y", "x", "channel"), 3),
        ((8, 8, 3), "uint8", ("time", "y", "energy"), 1),
    ],
)
def test_the_last_axis_has_colours_by_its_name_dtype_or_size(
    shape: tuple[int, ...], dtype: str, dims: Any, channels: int
) -> None:
    assert layout(*shape, dtype=dtype, dims=dims).channels == channels


@pytest.mark.parametrize(
    ("visible", "canvas", "method", "expected"),
    [
        (None, (100, 100), "mean", (None, None, 1)),
        (None, (50, 50), "max", (None, "max:2,2", 2)),
        (None, (50, 50), "stride", (":,::2,::2", None, 2)),
        (Region(10, 60, 20, 120), (50, 50), "mean", (":,10:60,20:100", "mean:2,2", 2)),
        (Region(-5, 20, 90, 300), (999, 999), "mean", (":,0:20,90:100", None, 1)),
    ],
)
def test_no_more_is_requested_than_the_canvas_shows(
    visible: Region | None, canvas: tuple[int, int], method: str, expected: tuple[Any, ...]
) -> None:
    request = request_for(layout(5, 100, 100), visible, canvas, method)
    assert (request.slice, request.reduce, request.factor) == expected


def test_an_index_selects_one_of_the_images() -> None:
    request = request_for(layout(5, 7, 100, 100), None, (999, 999), "mean", (4, 6))
    assert request.slice == "4,6,:,:"


def test_the_last_of_several_images_is_the_frame() -> None:
    axes = layout(5, 4, 6)
    request = request_for(axes, None, (99, 99))
    data = np.arange(2 * 4 * 6).reshape(2, 4, 6)
    assert last_image(data, axes, request, 3, None).data.tolist() == data[1].tolist()


@pytest.mark.parametrize(
    ("shape", "offset", "whole"),
    [
        ((1, 2, 3), (7, 0, 0), True),
        ((2, 3), (0, 0), True),
        ((1, 2, 2), (7, 0, 0), False),
        ((1, 1, 3), (7, 1, 0), False),
        ((1, 2, 3), None, False),
    ],
)
def test_parts_of_an_image_are_recognized(shape: Any, offset: Any, whole: bool) -> None:
    axes = layout(5, 4, 6)
    request = request_for(axes, None, (2, 3))
    assert has_whole_images(shape, offset, axes, request) is whole


@pytest.mark.parametrize(
    ("limits", "log", "expected"),
    [
        ("minmax", False, (-1, 1000)),
        ("auto", False, (4, 5)),
        ("minmax", True, (4, 1000)),
        ((2, 3), False, (2, 3)),
    ],
)
def test_limits_of_an_image(limits: Any, log: bool, expected: tuple[float, float]) -> None:
    values = np.full(5001, 5.0)
    values[:2500] = 4
    values[0], values[1], values[2] = 1000, np.nan, -1
    assert limits_of(values, ImageLook.parse("gray", limits, log)) == expected


@pytest.mark.parametrize("limits", ["automatic", (3, 2), (1, float("nan")), 5])
def test_invalid_limits_say_what_to_write(limits: Any) -> None:
    with pytest.raises(ValueError, match="limits must be 'auto', 'minmax', 'frozen', or"):
        ImageLook.parse("viridis", limits, False)


def test_long_lines_are_thinned_to_their_extremes() -> None:
    x = np.arange(100_001.0)
    y = np.sin(x / 1000)
    y[54_321], y[77_777], y[5] = 7, -7, np.nan
    thin_x, thin_y = thinned(x, y)
    assert len(thin_x) == len(thin_y) <= 2000
    assert (thin_x[1:] >= thin_x[:-1]).all()
    assert (thin_y.max(), thin_x[thin_y.argmax()]) == (7, 54_321)
    assert (thin_y.min(), thin_x[thin_y.argmin()]) == (-7, 77_777)
    near, _ = thinned(x, y, (50.0, 60.0))
    assert near.tolist() == list(range(49, 61))
