"""Register files of every format, walk through their embedded nodes, and read them."""

import sys
from pathlib import Path

from installed import DataSource, Refused, StructureFamily, from_uri, is_array

uri, key, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
c = from_uri(uri, api_key="secret").create_container(key)


def register(name, mimetype):
    source = DataSource(
        structure_family=StructureFamily.container,
        structure=None,
        mimetype=mimetype,
        assets=[asset(folder / name)],
        management="external",
    )
    return c.new(structure_family=StructureFamily.container, data_sources=[source], key=name)


def asset(path):
    from installed import Asset

    is_directory = path.is_dir()
    return Asset(f"file://localhost{path}", is_directory, parameter="data_uri", num=None)


def walk(node, indent=""):
    print(f"{indent}{len(node)} {list(node)}")
    for name in node:
        try:
            child = node[name]
        except KeyError:
            print(f"{indent}{name}: gone")
            continue
        if is_array(child):
            print(f"{indent}{name}: {child.dtype.str} {child.read().tolist()} {child[:1].tolist()}")
        elif hasattr(child, "columns"):
            print(f"{indent}{name}: {child.read().to_dict('list')}")
        else:
            print(f"{indent}{name}: {dict(child.metadata)}")
            walk(child, f"{indent}  ")


register("a.h5", "application/x-hdf5")
register("a.zarr", "application/x-zarr")
register("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
for name in ("a.h5", "a.zarr", "a.xlsx"):
    walk(c[name])
print(c["a.h5", "entry", "x"].read().tolist(), [k for k, _ in c["a.h5", "entry"].items()])
try:
    c["a.h5", "entry"].create_container("new")
except Refused:
    print("refused")
