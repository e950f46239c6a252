"""Append batches of rows of unusual types to a table, as TiledWriter does, and read them."""

import sys

import pandas
import pyarrow
from installed import append, from_uri

try:
    import dask

    # Tiled's client reads with dask, which by default converts object columns to texts.
    dask.config.set({"dataframe.convert-string": False})
except ImportError:
    pass

uri, key, what = sys.argv[1:]
client = from_uri(uri, api_key="secret")
NAN = float("nan")
BATCHES = {
    "lists": [[[1, 2], [3]], [[4, 5, 6], None]],
    "nested": [[[[1, 2], [3]]], [[[], [4]]]],
    "texts": [["x", "", None], ["ä\n"]],
    "nothing_first": [[None], ["x"]],
    "lists_of_nothing": [[[None], []], [["a", None]]],
    "truths": [[True], [None, False]],
    "records": [[{"x": 1, "y": ["a"]}], [{"x": None, "y": []}]],
    "mixed": [[1, 2.5], [3]],
    "whole_floats": [[1], [2.0]],
    "floats_then_ints": [[0.5, NAN], [2**53]],
    "large": [[2**62 + 1], [-(2**63)]],
}


def plain(value):
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return None if value is None or pandas.isna(value) else value


def kind(column):
    """Return the type that TiledWriter declares for a column: texts in place of nulls."""
    if pyarrow.types.is_null(column):
        return pyarrow.string()
    if pyarrow.types.is_list(column) and pyarrow.types.is_null(column.value_type):
        return pyarrow.list_(pyarrow.string())
    return column


def write(container):
    for name, batches in BATCHES.items():
        tables = [pyarrow.Table.from_pylist([{"v": one} for one in rows]) for rows in batches]
        schema = pyarrow.schema([("v", kind(tables[0].schema.field("v").type))])
        made = container.create_appendable_table(schema, key=name)
        for table in tables:
            append(made, table)


def rows_of(node):
    found = node.read_arrow() if hasattr(node, "read_arrow") else node.read()
    column = found["v"]
    return plain(column.to_pylist() if hasattr(column, "to_pylist") else list(column))


if what == "write":
    write(client.create_container(key))
    print("written")
else:
    for name, batches in BATCHES.items():
        expected = plain([one for rows in batches for one in rows])
        found = rows_of(client[key][name])
        print(name, "equal" if found == expected else found)
