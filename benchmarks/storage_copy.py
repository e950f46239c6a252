"""Time of `storage copy` from a folder to a bucket and back, with near and with distant storage.

Run by hand: `python -m benchmarks.storage_copy [--scale 1]`. The bucket is of a SeaweedFS on this
machine; a proxy delays its data, so that a request takes 5 ms more. The seconds that the command
takes are printed, of which about two are its start.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd

from tests.buckets import Service, seaweedfs
from tests.servers import manage, own_database, running
from tiled_client import from_uri
from tools.backends.line import own_line

API_KEY = "secret"
OPTIONS = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
# In seconds, for the data of each direction.
DELAY = 0.0025


def write(address: str, scale: float) -> None:
    """Write an array of 1,000 chunks of 8 KB, one of 32 of 4 MB, and 200 tables."""
    root = from_uri(address, api_key=API_KEY)
    rows, frames = round(1000 * scale), round(32 * scale)
    root.write_array(da.ones((rows, 1024), chunks=(1, 1024)), key="rows")
    root.write_array(da.ones((frames, 1024, 1024), dtype="u4", chunks=(1, -1, -1)), key="frames")
    tables = root.create_container("tables")
    for number in range(round(200 * scale)):
        tables.write_table(pd.DataFrame({"n": np.arange(1000)}), key=f"t{number}")


def timed(folder: Path, *arguments: str, **settings: str) -> float:
    """Return how many seconds a copy takes."""
    begun = time.perf_counter()
    done = manage(folder, "storage", "copy", *arguments, **settings)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return time.perf_counter() - begun


def measure(root: Path, service: Service, endpoint: str, scale: float) -> tuple[float, float]:
    """Return the times of copies to the bucket and back."""
    keys = {"AWS_ACCESS_KEY_ID": service.key, "AWS_SECRET_ACCESS_KEY": service.secret}
    settings = service.settings(endpoint=endpoint)
    to_bucket = ("--to", settings["TILED_STORAGE_URI"], "--endpoint", endpoint)
    with own_database() as database:
        with running(root / "site", "serve", *OPTIONS, **database) as server:
            write(server.uri, scale)
        there = timed(root / "site", *to_bucket, **database, **keys)
        timed(root / "site", *to_bucket, "--switch", **database, **keys)
        back = timed(root / "site", "--to", str(root / "back"), **database, **settings)
    return there, back


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1)
    scale = parser.parse_args().scale
    print("| delay per request | to the bucket (s) | to a folder (s) |")
    print("| --- | --- | --- |")
    for delay in (0.0, DELAY):
        with ExitStack() as stack:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            service = stack.enter_context(seaweedfs())
            line = stack.enter_context(own_line(service.endpoint.removeprefix("http://")))
            line.delay(delay)
            endpoint = f"http://127.0.0.1:{line.port}"
            there, back = measure(root, service, endpoint, scale)
            print(f"| {2e3 * delay:.0f} ms | {there:.1f} | {back:.1f} |")


if __name__ == "__main__":
    main()
