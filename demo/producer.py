"""Write as a small beamline would: images, spectra, a temperature, and rows of readings."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tiled_client import from_uri

SIZE = 512
CHANNELS = 2048
# In seconds. Each scan is a separate container, as at a beamline.
PERIOD = 0.2
SCAN = 60.0


class Detector:
    """A simulated detector: rings of a powder, moving diffraction spots, photon noise.

    Images are of 512 by 512 pixels, uint16.
    """

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
        self._radius = np.hypot(y, x)
        self._angle = np.arctan2(y, x)
        self._spots = self._random.uniform([60, -np.pi], [240, np.pi], (24, 2))
        self._y, self._x = np.mgrid[-6:7, -6:7]

    def frame(self, phase: float) -> np.ndarray:
        """Return the image at `phase`, in radians of the sample's rotation: (512, 512)."""
        image = 14.0 + 160 * np.exp(-((self._radius / 60) ** 2))
        for ring, (radius, height) in enumerate(((95, 40), (134, 26), (165, 18), (212, 12))):
            texture = 1 + 0.6 * np.cos((ring + 2) * self._angle + phase)
            image += height * texture * np.exp(-(((self._radius - radius) / 3.2) ** 2))
        for radius, angle in self._spots:
            brightness = max(0.0, np.cos(3 * angle + 2 * phase)) ** 4
            self._add_spot(image, radius, angle + 0.15 * phase, 900 * brightness)
        # The beam stop.
        image[self._radius < 14] = 0
        frame: np.ndarray = self._random.poisson(image).astype(np.uint16)
        return frame

    def _add_spot(self, image: np.ndarray, radius: float, angle: float, height: float) -> None:
        row = int(SIZE / 2 + radius * np.sin(angle))
        column = int(SIZE / 2 + radius * np.cos(angle))
        if min(row, column) < 6 or max(row, column) >= SIZE - 6:
            return
        spot = height * np.exp(-(self._y**2 + self._x**2) / 5.0)
        image[row - 6 : row + 7, column - 6 : column + 7] += spot


def spectrum(phase: float, random: np.random.Generator) -> np.ndarray:
    """Return a fluorescence spectrum of 2,048 channels, float32, with peaks that breathe."""
    channel = np.arange(CHANNELS)
    values = 4 + 400 * np.exp(-channel / 500)
    for center, width, height in ((420, 14, 900), (705, 16, 2200), (780, 17, 500), (1300, 22, 700)):
        change = 1 + 0.5 * np.sin(phase + center / 200)
        values += height * change * np.exp(-(((channel - center) / width) ** 2))
    return random.poisson(values).astype(np.float32)


def run_scan(client: Any, number: int, running: Callable[[], bool]) -> None:
    """Write one scan, and close its streams."""
    detector, random = Detector(), np.random.default_rng(number)
    scan = client.create_container(
        f"scan_{number:04d}",
        metadata={
            "plan": "rotation",
            "number": number,
            "sample": {"name": "LaB6", "thickness_um": 20, "temperature_K": 295.0},
            "detector": {"name": "demo", "exposure_s": PERIOD, "pixels": [SIZE, SIZE]},
        },
    )
    readings = scan.create_appendable_table(
        {"frame": "int64", "angle": "float64", "current": "float64", "brightest": "int64"},
        key="readings",
    )
    temperature = scan.write_array(np.array(295.0), key="temperature")
    line = scan.write_array(spectrum(0, random), key="spectrum", dims=["channel"])
    images = scan.write_array(detector.frame(0)[None], key="images", dims=["frame", "y", "x"])
    began = time.monotonic()
    for frame in itertools.count(1):
        phase = frame * 0.05
        picture = detector.frame(phase)
        images.patch(picture[None], offset=(frame, 0, 0), extend=True)
        line.write(spectrum(phase, random))
        temperature.write(np.array(round(295 + 8 * np.sin(phase / 5) + random.normal(0, 0.2), 2)))
        row = {
            "frame": [frame],
            "angle": [round(np.degrees(phase) % 360, 3)],
            "current": [200 + 2 * np.sin(phase / 3) + random.normal(0, 0.1)],
            "brightest": [int(picture.max())],
        }
        readings.append(row)
        if time.monotonic() - began > SCAN or not running():
            break
        time.sleep(max(0.0, began + frame * PERIOD - time.monotonic()))
    for node in (images, line, temperature, readings, scan):
        node.close_stream()
    print(f"producer: scan {number} has {frame + 1} images, its streams are closed")


def main() -> None:
    """Write scans until stopped, or for a number of seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("key")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()

    client = from_uri(options.uri, api_key=options.key)
    end: float = time.monotonic() + options.seconds

    def running() -> bool:
        return time.monotonic() < end

    for number in itertools.count(1):
        run_scan(client, number, running)
        if not running():
            break
    client.close_stream()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
