"""Files of others, registered by both clients and as bluesky does it, and read back."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import h5py
import numpy as np
import pandas
import pytest
import zarr

from tests.servers import RunningServer

from .client_processes import OURS, TILED, ClientProcesses

HDF5_WALK = [
    "1 ['entry']",
    "entry: {'NX_class': 'NXentry'}",
    "  3 ['broken', 'text', 'x']",
    "  broken: gone",
    "  text: |S2 [b'ab', b'c'] [b'ab']",
    "  x: >i2 [[0, 1, 2], [3, 4, 5]] [[0, 1, 2]]",
]
OTHERS_WALK = [
    "1 ['sub']",
    "sub: {'unit': 'mm'}",
    "  1 ['y']",
    "  y: <f8 [0.0, 1.0, 2.0] [0.0]",
    "2 ['One', 'Two']",
    "One: {'n': [1, 2], 's': ['a', 'b']}",
    "Two: {'z': [0.5]}",
]


@pytest.fixture
def folder(readable: Path) -> Path:
    made = readable / secrets.token_hex(6)
    made.mkdir()
    return made


@pytest.mark.parametrize("client", [OURS, TILED])
def test_files_are_walked_through_like_containers(
    server: RunningServer, client_processes: ClientProcesses, folder: Path, client: str
) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["x"] = np.arange(6, dtype=">i2").reshape(2, 3)
        entry["text"] = ["ab", "c"]
        entry["broken"] = h5py.SoftLink("/nowhere")
    os.utime(folder / "a.h5", (0, 0))
    sub = zarr.open_group(folder / "a.zarr", mode="w").create_group("sub")
    sub.attrs["unit"] = "mm"
    sub.create_array("y", data=np.arange(3.0), chunks=(2,))
    with pandas.ExcelWriter(folder / "a.xlsx") as writer:
        pandas.DataFrame({"n": [1, 2], "s": ["a", "b"]}).to_excel(
            writer, sheet_name="One", index=False
        )
        pandas.DataFrame({"z": [0.5]}).to_excel(writer, sheet_name="Two", index=False)
    desk = client_processes.process("writer", client)
    desk.run("walk_files", server.uri, f"w{secrets.token_hex(4)}", str(folder))
    desk.finishes(
        *HDF5_WALK, *OTHERS_WALK, "[[0, 1, 2], [3, 4, 5]] ['broken', 'text', 'x']", "refused"
    )


def test_whatever_bluesky_says_of_files_is_read_back(
    server: RunningServer, client_processes: ClientProcesses, folder: Path
) -> None:
    desk = client_processes.process("writer", TILED)
    desk.run("consolidate", server.uri, f"b{secrets.token_hex(4)}", str(folder))
    desk.finishes(
        "h5 [6, 4, 5]",
        "h5 numbers [6]",
        "h5 stacked [6, 1, 4, 5]",
        "h5 concat [6, 4, 5]",
        "h5 slice [6, 2, 5]",
        "h5 files [6, 1, 4, 5]",
        "tiff [6, 4, 5]",
        "tiff stack [3, 2, 4, 5]",
        "tiff concat [6, 4, 5]",
        "tiff pages [3, 2, 4, 5]",
        "jpeg [6, 4, 5]",
        "npy [6, 4, 5]",
        "csv [6, 2]",
        "csv records array",
        "(10.0, 11)",
        "bytes bytes",
    )


def test_a_frame_in_partitions_keeps_its_labels(
    server: RunningServer, client_processes: ClientProcesses
) -> None:
    key = f"p{secrets.token_hex(4)}"
    writer = client_processes.process("writer", TILED)
    writer.run("write_partitions", server.uri, key)
    writer.finishes()
    labels = list(range(100, 120, 2))
    for client in (OURS, TILED):
        reader = client_processes.process("reader", client)
        reader.run("read_labels", server.uri, key)
        reader.finishes(f"3 {labels} True", f"{labels}")
