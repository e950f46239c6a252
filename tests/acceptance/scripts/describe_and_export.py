"""Update metadata, export raw files, and delete nodes."""

import contextlib
import io
import os
import sys

import numpy as np
from installed import from_uri
from tiled.structures.data_source import Asset, DataSource, Management

uri, key, folder = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.create_container(key, metadata={"color": "blue"})
x.update_metadata({"color": "red"})
x.replace_metadata({"color": "green"}, specs=["s"])
x.patch_metadata([{"op": "add", "path": "/size", "value": 1}])
before = x.metadata_revisions
print(len(before), [one["attributes"]["metadata"]["color"] for one in before[:]])
before.delete_revision(1)
print([one["revision_number"] for one in before[0:2]], before[0]["attributes"]["specs"])
print(sorted(client[key].metadata.items()), [spec.name for spec in client[key].specs], flush=True)


def export(node):
    """Return the files of a node, and their contents."""
    files = {}
    with contextlib.redirect_stdout(io.StringIO()):
        node.raw_export(files)
    return {name: files[name].getvalue() for name in sorted(files)}


array = export(x.write_array(np.arange(3), key="a"))
print(list(array), np.frombuffer(array["c/0"], "<i8")[:3].tolist())
for name, is_directory in (("one", False), ("several", True)):
    uris = Asset(
        data_uri=f"file://localhost{folder}/{name}", is_directory=is_directory, parameter=None
    )
    source = DataSource(
        structure_family="bytes",
        structure=None,
        mimetype="application/octet-stream",
        assets=[uris],
        management=Management.external,
    )
    print(export(x.new("bytes", [source], key=name)))
x.delete(recursive=True, external_only=False)
print(key in client, os.listdir(f"{folder}/several"), flush=True)
