"""Writes as a detector would: a frame at a time, and a row of what was measured with it."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import time

import numpy as np
from skimage import data

from tiled_client import from_uri

PERIOD = 0.5


def frames() -> np.ndarray:
    """Return images of 512 by 512 pixels, uint8, from scikit-image: (5, 512, 512)."""
    return np.stack([data.camera(), data.brick(), data.grass(), data.gravel(), data.moon()])


def main() -> None:
    """Write for a while, then close the streams."""
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("key")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()

    client = from_uri(options.uri, api_key=options.key)
    pictures = frames()
    images = client.write_array(pictures[:1], key="images", dims=["time", "y", "x"])
    rows = client.create_appendable_table(
        {"frame": "int64", "mean": "float64", "brightest": "int64"}, key="measured"
    )
    end = time.monotonic() + options.seconds
    for number in itertools.count():
        frame = pictures[number % len(pictures)]
        if number > 0:
            images.patch(frame[None], offset=(number, 0, 0), extend=True)
        rows.append(
            {"frame": [number], "mean": [float(frame.mean())], "brightest": [int(frame.max())]}
        )
        if time.monotonic() > end:
            break
        time.sleep(PERIOD)
    for node in (images, rows, client):
        node.close_stream()
    print(f"producer: {number + 1} frames and rows written, streams closed")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
