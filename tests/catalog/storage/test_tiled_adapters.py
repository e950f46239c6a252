"""Adapter classes of Tiled as formats, with the package `tiled` of the reference environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from catalog.storage.external import load
from tests.servers import PROJECT
from tools.backends.tiled_reference import reference_python

# The packages of this environment come first, and those that only Tiled needs from its own.
SCRIPT = """
import json, sys
from pathlib import Path
sys.path.append(sys.argv[1])
import pyarrow as pa
from catalog.storage.external import Sources, load
from tiled_client.wire.structures import ArrayStructure
folder = Path(sys.argv[2])

def sources(name, role):
    return Sources((folder / name,), {}, (folder,), (role,))

tiff = load("image/x-t;by=tiled=tiled.adapters.tiff:TiffAdapter")
file = sources("a.tiff", ("data_uri", None))
structure = tiff.inspect(file, tiff.mimetypes[0]).structure
hdf5 = load("application/x-h=tiled.adapters.hdf5:HDF5Adapter")
with hdf5.open_tree(sources("b.h5", ("data_uris", 0))) as tree:
    entry = tree.entry(["entry", "data"])
    inside = tree.read_array(["entry", "data"], entry.structure, (slice(2, 5),)).tolist()
    names = tree.names(["entry"])
rows = load("text/x-c=tiled.adapters.csv:CSVAdapter").open_table(
    folder / "c.csv", pa.schema([("a", pa.int64()), ("b", pa.string())]), {}
)
print(json.dumps({
    "mimetypes": tiff.mimetypes,
    "families": [sorted(one.families) for one in (tiff, hdf5)],
    "array": tiff.read_array(file, structure, (slice(1, 3), 2)).tolist(),
    "inside": inside,
    "names": names,
    "rows": [rows.count(), *[part.to_pydict() for part in rows.tables(["b"], 1, None)]],
}))
"""


def test_adapters_read_arrays_tables_and_containers(tmp_path: Path) -> None:
    try:
        python = reference_python()
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"Tiled 0.2.20 cannot be installed here: {error}")
    tifffile.imwrite(tmp_path / "a.tiff", np.arange(12, dtype="uint16").reshape(3, 4))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["entry/data"] = np.arange(6)
    (tmp_path / "c.csv").write_text("a,b\n1,x\n2,y\n3,z\n")
    [packages] = (python.parent.parent / "lib").glob("python*/site-packages")
    if packages.parent.name != f"python{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip(f"Tiled is installed for {packages.parent.name}, not for this Python.")
    command = [sys.executable, "-c", SCRIPT, str(packages), str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "mimetypes": ["image/x-t;by=tiled"],
        "families": [["array"], ["container"]],
        "array": [6, 10],
        "inside": [2, 3, 4],
        "names": ["data"],
        "rows": [3, {"b": ["y", "z"]}],
    }


def test_without_tiled_the_setting_is_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="pip install 'tiled"):
        load("image/x-t=tiled.adapters.tiff:TiffAdapter")
