"""Reads of external files: in this process, as they were, and in a confined one, as they are.

Run by hand: `python -m benchmarks.confined [--rounds 100]`. Both are measured in turns, so that
what else the machine does meets them alike. Medians in milliseconds are printed: of the time that a
read takes, and of the processor time of both processes, which tells more on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import tifffile
import zarr

from catalog.storage import confined_processes, external, files
from catalog.storage.confined.reader import Request
from catalog.storage.external import operations
from catalog.storage.external.reader_results import items_to_json
from catalog.storage.external.readers import encode_sources
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.structures import ArrayStructure

Read = Callable[[], object]
Figures = tuple[float, float]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    print(f"{'ms, medians':32}{'before':>10}{'after':>10}{'CPU before':>12}{'CPU after':>12}")
    with tempfile.TemporaryDirectory() as name:
        for title, here, there in works(Path(name).resolve()):
            few = max(rounds // 10, 5) if "MB" in title else rounds
            before, after = measured(here, there, few)
            figures = f"{before[0]:10.2f}{after[0]:10.2f}{before[1]:12.2f}{after[1]:12.2f}"
            print(f"{title:32}{figures}")
    confined_processes.stop()


def measured(here: Read, there: Read, rounds: int) -> tuple[Figures, Figures]:
    """Medians of both, run in turns: time, and processor time, in milliseconds."""
    found: tuple[list[Figures], list[Figures]] = ([], [])
    for _ in range(rounds + 3):
        for read, figures in zip((here, there), found, strict=True):
            # Who has just used a processor has to wait for the next one on a busy machine.
            time.sleep(0.01)
            cpu, begun = used(), time.perf_counter()
            read()
            figures.append((time.perf_counter() - begun, used() - cpu))
    before, after = (
        [statistics.median(one) * 1e3 for one in zip(*f[3:], strict=True)] for f in found
    )
    return (before[0], before[1]), (after[0], after[1])


def used() -> float:
    """Processor time of this process and of those that read, in seconds."""
    pools = confined_processes._pools
    children = pools.readers._children if pools else []
    theirs = [Path(f"/proc/{child.pid}/schedstat").read_text().split()[0] for child in children]
    return time.process_time() + sum(map(int, theirs)) / 1e9


def works(folder: Path) -> list[tuple[str, Read, Read]]:
    """Return the reads: a title, how it was before, and how it is now."""
    frames = np.random.default_rng(0).integers(999, size=(64, 256, 256), dtype="u2")
    tifffile.imwrite(folder / "a.tif", frames)
    np.save(folder / "a.npy", frames)
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("x", data=frames, chunks=(1, 256, 256))
    virtual(folder, frames)
    zarr.create_array(folder / "a.zarr", data=frames, chunks=(1, 256, 256), compressors=None)
    large = np.ones((32, 1 << 20), "u1")
    np.save(folder / "large.npy", large)
    numbers = pa.table({"a": np.arange(100_000), "b": np.random.default_rng(0).random(100_000)})
    pa.parquet.write_table(numbers, folder / "a.parquet")
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    corner, frame = np.s_[3, :4, :4], np.s_[3]
    dataset = {"dataset": "x"}
    return [
        array("TIFF, 4 x 4 of a frame", folder / "a.tif", "image/tiff", frames, corner),
        array("TIFF, a frame of 128 KB", folder / "a.tif", "image/tiff", frames, (frame,)),
        array("npy, 4 x 4 of a frame", folder / "a.npy", "application/x-npy", frames, corner),
        array("HDF5, 4 x 4", folder / "a.h5", "application/x-hdf5", frames, corner, dataset),
        array("HDF5, a frame", folder / "a.h5", "application/x-hdf5", frames, (frame,), dataset),
        array("HDF5, all 8 MB", folder / "a.h5", "application/x-hdf5", frames, (), dataset),
        array(
            "HDF5, 4 x 4 of 64 files",
            folder / "v.h5",
            "application/x-hdf5",
            frames,
            corner,
            dataset,
        ),
        array(
            "HDF5, all 8 MB of 64 files", folder / "v.h5", "application/x-hdf5", frames, (), dataset
        ),
        array("Zarr, 4 x 4", folder / "a.zarr", "application/x-zarr", frames, corner),
        array("npy, 32 MB", folder / "large.npy", "application/x-npy", large, ()),
        tree("HDF5, listing of a group", folder / "a.h5"),
        rows("Parquet, 100 rows", folder / "a.parquet", numbers.schema, slice(500, 600)),
        rows("Parquet, all 1.6 MB", folder / "a.parquet", numbers.schema, slice(None)),
    ]


def virtual(folder: Path, frames: Any) -> None:
    """Make a virtual dataset with a source for each frame."""
    layout = h5py.VirtualLayout(frames.shape, frames.dtype)
    for number, frame in enumerate(frames):
        with h5py.File(folder / f"{number}.h5", "w") as file:
            file["x"] = frame
        layout[number] = h5py.VirtualSource(f"{number}.h5", "x", frame.shape)
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_virtual_dataset("x", layout)


def array(
    title: str, path: Path, mimetype: str, like: Any, items: Any, parameters: Any = None
) -> tuple[str, Read, Read]:
    """Read a part of an array."""
    asset, structure = Asset(files.file_uri(path), path.is_dir()), ArrayStructure.from_array(like)
    readable = [path.parent]
    found = external.Sources.of([asset], parameters or {}, readable)
    wanted = {"structure": structure.to_json(), "items": items_to_json(items)}
    request = Request({**encode_sources(found), **wanted, "mimetype": mimetype})

    def there() -> object:
        return external.read_array(
            mimetype, [asset], parameters or {}, structure, items, readable=readable
        )

    return title, lambda: operations.read_array(request), there


def tree(title: str, path: Path) -> tuple[str, Read, Read]:
    """Read the names in a group, and the description of one entry."""
    asset, mimetype = Asset(files.file_uri(path), False), "application/x-hdf5"
    sources = external.Sources.of([asset], {}, [path.parent])

    def here() -> object:
        with operations.open_local_tree(mimetype, sources) as found:
            return [found.entry([name]) for name in found.names([])]

    def there() -> object:
        with external.open_tree(mimetype, [asset], {}, readable=[path.parent]) as found:
            return [found.entry([name]) for name in found.names([])]

    return title, here, there


def rows(title: str, path: Path, schema: pa.Schema, wanted: slice) -> tuple[str, Read, Read]:
    """Read some rows of a table."""
    asset, mimetype = Asset(files.file_uri(path), False), "application/x-parquet"
    readable = [path.parent]
    arguments = {
        **encode_sources(external.Sources.of([asset], {}, readable)),
        "schema": schema.serialize().to_pybytes(),
        "names": schema.names,
        "mimetype": mimetype,
        "delivered": 0,
        "rows": [wanted.start or 0, wanted.stop],
    }

    def there() -> object:
        found = external.iter_table_rows(
            mimetype, [asset], {}, schema, schema.names, wanted, readable=readable
        )
        return list(found)

    return title, lambda: operations.table_rows(Request(arguments)), there


if __name__ == "__main__":
    main()
