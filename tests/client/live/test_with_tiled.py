"""Live plots of a real Tiled 0.2.20 server, which filters and reduces nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot
import numpy as np
import pytest

from tests.client.live.test_live_plots import drawn, shown, until
from tiled_client import from_uri, live
from tools.backends.tiled_reference import TiledServer


@pytest.fixture
def root(tiled_reference: TiledServer) -> Iterator[Any]:
    matplotlib.use("agg", force=True)
    client = from_uri(tiled_reference.uri, tiled_reference.api_key)
    yield client.create_container(f"t{secrets.token_hex(6)}")
    matplotlib.pyplot.close("all")


def test_images_come_in_full(root: Any) -> None:
    big = root.write_array(np.zeros((900, 1200), "uint16"), key="big")
    with live.image(big) as plot:
        until(plot, lambda: shown(plot).shape == (900, 1200))
        big.write(np.full((900, 1200), 7, "uint16"))
        until(plot, lambda: bool((shown(plot) == 7).all()))


def test_rows_and_points_are_followed(root: Any) -> None:
    log = root.create_appendable_table({"c": "int64", "d": "int64"}, key="log")
    log.append({"c": [0, 1], "d": [1, 2]})
    x = root.write_array(np.arange(3.0), key="x")
    with live.line(log, y="c") as rows, live.line(x) as points:
        until(rows, lambda: drawn(rows) == [0, 1])
        x.write(np.arange(3.0) * 2)
        until(points, lambda: drawn(points) == [0, 2, 4])
        log.append({"c": [2], "d": [3]})
        until(rows, lambda: drawn(rows) == [0, 1, 2])
