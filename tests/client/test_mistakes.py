"""What newcomers do wrong: each mistake is rejected with a remedy, or has its obvious meaning.

Mistakes are lines of code; `c` is a container with the nodes below. None of them may change it.
"""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import io
import json
import pathlib
import pickle
import secrets
from collections.abc import Iterator
from typing import Any

import awkward
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sparse

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    Container,
    HttpOptions,
    Spec,
    StreamOptions,
    TiledClientError,
    from_uri,
    queries,
)

# Names that only the code in texts uses.
USED = (awkward, copy, decimal, dt, io, json, pathlib, pickle, HttpOptions, StreamOptions)
MASKED = np.ma.array([1, 2, 3], mask=[False, True, False])
NOON = pd.Timestamp("2026-01-01 12:00")
NANOSECONDS = pd.Timestamp("2026-01-01T00:00:00.123456789")
STRINGS = np.array([1, "a"], dtype=object)
FILLED = sparse.COO(np.array([[0]]), np.array([5.0]), shape=(3,), fill_value=np.nan)


def row(**values: Any) -> dict[str, list[Any]]:
    """One row for the table `ta`."""
    default = {"time": NOON, "tz": NOON.tz_localize("UTC"), "ok": True, "n": 1, "v": 1.0, "s": "x"}
    return {name: [value] for name, value in {**default, **values}.items()}


def create_nodes(c: Container) -> dict[str, Any]:
    """Create a node of each kind."""
    x = c.write_array([1, 2, 3], key="x")
    f = c.write_array(np.zeros((2, 4, 5), "f4"), key="f", chunks=(1, 4, 5))
    types = {
        "time": "timestamp[us]",
        "tz": pa.timestamp("us", "UTC"),
        "ok": "?",
        "n": "i1",
        "v": "f4",
        "s": str,
    }
    ta = c.create_appendable_table(types, key="ta")
    return {
        "c": c,
        "x": x,
        "f": f,
        "b": c.write_array([True, False], key="b"),
        "w": c.write_array(["ab", "cd"], key="w"),
        "d": c.write_array(np.array(["2026-01-01"], "M8[s]"), key="d"),
        "t": c.write_table({"a": [1, 2], "b": [0.5, 1.5], "s": ["x", "y"]}, key="t"),
        "ta": ta,
        "sp": c.write_sparse([[0, 2], [1, 3]], [1.5, 2.5], (3, 4), key="sp"),
        "r": c.write_ragged([[1, 2], [3]], key="r"),
        "a": c.write_awkward([{"x": 1, "y": [1.5]}, {"x": 2, "y": []}], key="a"),
        "m": c.create_container("m", metadata={"color": "red", "sub": {"k": [1, 2]}}),
    }


def patched(array: Any, *arguments: Any, **options: Any) -> Any:
    """The elements after a patch."""
    array.patch(*arguments, **options)
    return array.read().tolist()


def appended(table: Any, rows: Any) -> Any:
    """The column after rows were appended."""
    table.append(rows)
    return table.read()["a"].tolist()


def changed(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata with another colour."""
    metadata["color"] = "blue"
    return metadata


def contents(c: Container) -> dict[str, str]:
    """All that is stored in `c`."""
    data = {key: str(node.read()) for key, node in c.items() if key not in ("m", "sp")}
    described = {f"{key}'s": str((node.metadata, node.specs)) for key, node in c.items()}
    return {**data, **described, "sp": str(c["sp"].todense())}


@pytest.fixture(scope="module")
def names(server: RunningServer) -> Iterator[dict[str, Any]]:
    """What the mistakes use. All of them together leave the nodes as they were."""
    root: Container = from_uri(server.uri, API_KEY)
    c = root.create_container(f"mistakes-{secrets.token_hex(4)}")
    found = {**vars(queries), **globals(), **create_nodes(c)}
    before = contents(c)
    yield found
    assert contents(c) == before
    root.delete_contents(c.key, recursive=True, external_only=False)


REJECTED = [
    # keys
    ('c.write_array([1], key="")', ValueError, "leave it out for a random key"),
    ('c.write_array([1], key=" ")', ValueError, "must not be empty"),
    ('c.write_array([1], key="a/b")', ValueError, "in its own container"),
    ('c.write_array([1], key="k" * 1300)', ValueError, "at most 1023 characters"),
    ("c.write_array([1], key=5)", TypeError, "key must be a string, not 5"),
    ('c.write_array([1], key=("m", "y"))', TypeError, "key must be a string"),
    ('c.write_array([1], key=b"k")', TypeError, "key must be a string"),
    ('c.write_array([1], key="..")', ValueError, "cannot be part of a path"),
    ('c.write_array([1], name="n")', TypeError, "a new node has the arguments"),
    ('c.write_array([1], spec="image")', TypeError, "there is no argument 'spec'"),
    ('c.write_array("k", [1, 2])', TypeError, "positional"),
    ('c.create_container("")', ValueError, "leave it out"),
    ('c.create_container(["q"])', TypeError, "key must be a string"),
    ('c.create_container({"color": "red"})', TypeError, "key must be a string"),
    ('m.new("container", key="")', ValueError, "leave it out"),
    ('m.new("arry")', ValueError, "structure_family must be one of container, array"),
    ('m.new("array")', ValueError, "one data source"),
    ('c["n"] = np.zeros(3)', TypeError, "use write_array(..., key='n')"),
    ('del c["x"]', TypeError, "use delete_contents('x')"),
    # values of new arrays
    ("c.write_array(None)", TypeError, "numpy.nan"),
    ("c.write_array([None, 1])", TypeError, "numpy.nan"),
    ("c.write_array([[1, 2], [3]])", ValueError, "use write_ragged"),
    ('c.write_array([1, "a"])', TypeError, "strings and other values are mixed"),
    ("c.write_array([2**53 + 1, 0.5])", ValueError, "would change"),
    ('c.write_array({"a": [1]})', TypeError, "use write_table"),
    ("c.write_array({1, 2})", TypeError, "pass a list"),
    ("c.write_array(iter([1, 2]))", TypeError, "pass a list"),
    ("c.write_array(i for i in range(3))", TypeError, "pass a list"),
    ("c.write_array(STRINGS)", TypeError, "convert strings with `.astype"),
    ("c.write_array(np.array([1, 2], dtype=object))", TypeError, "`.astype(int)`"),
    ("c.write_array([2**70])", TypeError, "beyond 64 bits"),
    ('c.write_array([decimal.Decimal("1.5")])', TypeError, "`.astype(float)`"),
    ("c.write_array([dt.datetime(2026, 1, 1)])", TypeError, "datetime64[us]"),
    ('c.write_array([NOON.tz_localize("UTC")])', TypeError, ".tz_localize(None)"),
    ('c.write_array(pd.Series([1, None], dtype="Int64"))', ValueError, ".fillna(value)"),
    ('c.write_array(pd.Series(["a", "b"]))', TypeError, '.astype("U")'),
    ("c.write_array(pa.array([1, None]))", ValueError, "missing values"),
    ('c.write_array(pd.DataFrame({"a": [1]}))', TypeError, "use write_table"),
    ('c.write_array(pa.table({"a": [1]}))', TypeError, "use write_table"),
    ("c.write_array(t)", TypeError, "use write_table"),
    ("c.write_array(sparse.COO(np.eye(2)))", TypeError, "use write_sparse"),
    ("c.write_array(awkward.Array([[1], [2, 3]]))", ValueError, "use write_ragged"),
    ("c.write_array(MASKED)", ValueError, ".filled(value)"),
    ("c.write_array([np.ma.masked, 1.0])", ValueError, ".filled(value)"),
    ("c.write_array([MASKED, MASKED])", ValueError, ".filled(value)"),
    (
        'c.write_array(np.ma.array([(1, 2)], mask=[(1, 0)], dtype="i8,i8"))',
        ValueError,
        ".filled(value)",
    ),
    ('c.write_array("/tmp/x.npy")', TypeError, "read the file first"),
    ('c.write_array(pathlib.Path("x.npy"))', TypeError, "values of type PosixPath"),
    (
        'c.write_array(np.zeros(2, [("a", "i4"), ("b", "O")]))',
        TypeError,
        "fields of Python objects",
    ),
    (
        'c.write_array(np.zeros(2, {"names": ["a"], "formats": ["i4"], "offsets": [4]}))',
        ValueError,
        "repack_fields",
    ),
    ('c.write_array(np.array(["a"], np.dtypes.StringDType()))', TypeError, '.astype("U")'),
    # chunks and dims
    ("c.write_array(np.zeros((4, 4)), chunks=(3,))", ValueError, "one entry for each"),
    ("c.write_array(np.zeros((4, 4)), chunks=((2, 3), (4,)))", ValueError, "do not add up to 4"),
    ("c.write_array(np.zeros((4, 4)), chunks=0)", ValueError, "use a positive"),
    ("c.write_array(np.zeros((4, 4)), chunks=2.5)", ValueError, "chunks must be an integer"),
    ("c.write_array(np.zeros((4, 4)), chunks=True)", TypeError, "chunks must be an integer"),
    ('c.write_array(np.zeros((4, 4)), chunks="big")', TypeError, "chunks must be an integer"),
    (
        'c.write_array(np.zeros((4, 4)), dims="yx")',
        ValueError,
        "one name for each of the 2 dimensions",
    ),
    ('c.write_array(np.zeros((4, 4)), dims=["y"])', ValueError, "one name for each"),
    ('c.write_array(np.zeros((4, 4)), dims=["y", "y"])', ValueError, "differ"),
    ("c.write_array(np.zeros((4, 4)), dims=[0, 1])", TypeError, "must be names"),
    # metadata, specs, access tags
    ('c.write_array([1], metadata="red")', TypeError, "metadata must be a mapping"),
    ('c.write_array([1], metadata=[("color", "red")])', TypeError, "metadata must be a mapping"),
    ('c.write_array([1], metadata={"a": [1.0, np.nan]})', ValueError, "metadata['a'][1] is nan"),
    ('c.write_array([1], metadata={"a": np.inf})', ValueError, "use None"),
    (
        'c.write_array([1], metadata={1: "a", "1": "b"})',
        TypeError,
        "keys of metadata must be strings",
    ),
    ('c.write_array([1], metadata={"a": object()})', TypeError, "metadata['a'] is of type object"),
    ('c.write_array([1], metadata={"a": pathlib.Path("/")})', TypeError, "with str()"),
    ('c.write_array([1], metadata={"a": b"x"})', TypeError, "decode it"),
    ('c.write_array([1], metadata={"a": 1 + 2j})', TypeError, "real and imaginary"),
    ('c.write_array([1], metadata={"a": decimal.Decimal("1.5")})', TypeError, "float() or str()"),
    ('c.write_array([1], metadata={"a": dt.timedelta(1)})', TypeError, "total_seconds()"),
    ('c.write_array([1], metadata={"a": pd.NaT})', ValueError, "use None"),
    ('c.write_array([1], metadata={"a": pd.DataFrame()})', TypeError, "to_dict()"),
    ('c.write_array([1], metadata={"a": MASKED})', ValueError, "masked"),
    ('c.write_array([1], metadata={"a": 2**70})', ValueError, "more than 64 bits"),
    ('c.write_array([1], metadata={"a": "\\x00"})', ValueError, "NUL"),
    ("c.write_array([1], specs=[None])", ValueError, "A spec must be a name"),
    ('c.write_array([1], specs=[("image", "1")])', ValueError, "A spec must be a name"),
    ("c.write_array([1], specs=5)", TypeError, "specs must be a list"),
    ('c.write_array([1], specs=[Spec("image", 1)])', ValueError, "version"),
    ('c.write_array([1], specs=["image", "image"])', ValueError, "once"),
    ("c.write_array([1], access_tags=[1])", TypeError, "access_tags must be names"),
    ('m.metadata["color"] = "blue"', TypeError, "use update_metadata"),
    ('m.metadata["sub"]["k"].append(3)', TypeError, "use update_metadata"),
    ('m.metadata["sub"].update(k=1)', TypeError, "use update_metadata"),
    ('del m.metadata["color"]', TypeError, "use update_metadata"),
    ('m.metadata.pop("color")', TypeError, "use update_metadata"),
    ('m.metadata |= {"color": "blue"}', TypeError, "use update_metadata"),
    ('m.metadata = {"color": "blue"}', AttributeError, "no setter"),
    ('m.access_tags.append("a")', TypeError, "use update_metadata"),
    ('m.update_metadata("red")', TypeError, "metadata must be a mapping"),
    ('m.update_metadata({"color": np.nan})', ValueError, "metadata['color'] is nan"),
    ("m.update_metadata({1: 2})", TypeError, "keys of metadata"),
    ('m.update_metadata(color="blue")', TypeError, "color"),
    ("m.update_metadata(specs=[5])", ValueError, "A spec must be a name"),
    ("m.update_metadata(access_tags=[5])", TypeError, "access_tags must be names"),
    (
        'm.update_metadata({"a": 1}, drop_revision="no")',
        TypeError,
        "drop_revision must be True or False",
    ),
    ('m.replace_metadata(["a"])', TypeError, "metadata must be a mapping"),
    ('m.patch_metadata({"a": 1})', TypeError, "use update_metadata"),
    (
        'm.patch_metadata([{"op": "replac", "path": "/a", "value": 1}])',
        ValueError,
        "Unknown operation",
    ),
    ("m.metadata_revisions[99]", IndexError, "no revision at position 99"),
    ('m.metadata_revisions["a"]', TypeError, "position must be an integer"),
    ('m.metadata_revisions.delete_revision("a")', TypeError, "number must be an integer"),
    # writes to arrays
    ("x.write([1, 2])", ValueError, "use patch to write a part"),
    ("x.write([1.5, 2, 3])", TypeError, "do not fit an array of dtype int64: convert them first"),
    ('x.write(["1", "2", "3"])', TypeError, "convert them first"),
    ("x.write([1, None, 3])", TypeError, "numpy.nan"),
    ("x.write([1j, 2, 3])", TypeError, "convert them first"),
    ("x.write(MASKED)", ValueError, ".filled(value)"),
    ('x.write([1, 2, 3], persist="no")', TypeError, "persist must be True or False"),
    ("b.write([0.5, 1])", TypeError, "do not fit an array of dtype bool"),
    ("f.write(np.full((2, 4, 5), 1e300))", ValueError, "would change"),
    ('w.write(["abc", "d"])', ValueError, "would change"),
    ("w.write([1, 2])", TypeError, "do not fit an array of dtype <U2"),
    ("d.write([dt.datetime(2026, 1, 1)])", TypeError, "datetime64[us]"),
    ('d.write(np.array(["2026-01-01T00:00:00.5"], "M8[ms]"))', ValueError, "would change"),
    ("x[0] = 5", TypeError, "use x.patch(values, offset)"),
    ("del x[0]", TypeError, "cannot be deleted"),
    ("x.patch([9], 1.5)", ValueError, "offset must be an integer, not 1.5"),
    ('x.patch([9], "1")', TypeError, "offset must be an integer"),
    ("x.patch([9], None)", TypeError, "offset must be an integer"),
    ("x.patch([9], True)", TypeError, "offset must be an integer"),
    ("x.patch([9], -1)", ValueError, "offset must be at least 0"),
    ("x.patch([9], (0, 0))", ValueError, "does not fit an array of 1 dimensions"),
    ("x.patch([[9]], 1)", ValueError, "do not fit the array of 1 dimensions"),
    ('x.patch([9], 0, extend="yes")', TypeError, "extend must be True or False"),
    ("x.patch([9], 3)", TiledClientError, "extend"),
    ("f.patch(np.zeros((1, 6, 7)), 2, extend=True)", ValueError, "resize=True"),
    ("f.patch(np.zeros((1, 3, 5)), 2, extend=True)", ValueError, "resize=True"),
    ("f.patch(np.zeros((1, 1, 1)), (0, 0, 9), extend=True)", ValueError, "resize=True"),
    ("f.patch(np.zeros((3, 5)), 2, extend=True)", ValueError, "array[numpy.newaxis]"),
    ("f.patch(np.ma.masked_all((1, 4, 5)), 0)", ValueError, ".filled(value)"),
    ("f.write_block(np.zeros((1, 4, 5)), (9, 0, 0))", IndexError, "out of range"),
    ("f.write_block(np.zeros((1, 4, 5)), 0)", IndexError, "has 1 indices"),
    ("f.write_block(np.zeros((4, 5)), (0, 0, 0))", ValueError, "do not fit block"),
    ("f.write_block((0, 0, 0), np.zeros((1, 4, 5)))", TypeError, "block must be an integer"),
    # reads of arrays
    ("x[5]", IndexError, "out of bounds"),
    ("x[1.0]", IndexError, "only integers, slices"),
    ('x["a"]', IndexError, "only integers, slices"),
    ("x[[0, 2]]", IndexError, "x[...][indices]"),
    ("x[np.array([True, False, True])]", IndexError, "x[...][indices]"),
    ("x[0, 0]", IndexError, "too many indices"),
    ("x[1.5:]", IndexError, "bounds of a slice must be integers"),
    ("x[::0]", ValueError, "step must not be zero"),
    ('x.read("1-2")', ValueError, "Invalid slice part"),
    ("x.read(reduce=2)", ValueError, "as in mean:4,4"),
    ('x.read(reduce="mean:2,2")', ValueError, "2 factors"),
    ("f.read_block((9, 0, 0))", IndexError, "out of range"),
    ('f.read_block("0")', TypeError, "block must be an integer"),
    ("np.asarray(x, copy=False)", ValueError, "without a copy"),
    ("np.asarray(sp)", TypeError, "todense()"),
    ("np.asarray(r)", TypeError, "use read()"),
    # new tables
    ("c.write_table([1, 2, 3])", TypeError, "rows must be a DataFrame"),
    ('c.write_table("table.csv")', TypeError, "rows must be a DataFrame"),
    ("c.write_table(None)", TypeError, "rows must be a DataFrame"),
    ("c.write_table(np.zeros((3, 2)))", TypeError, "rows must be a DataFrame"),
    ("c.write_table(pd.Series([1, 2]))", TypeError, "series.to_frame()"),
    ("c.write_table({})", ValueError, "no columns"),
    ("c.write_table(pd.DataFrame())", ValueError, "no columns"),
    ('c.write_table({"a": [1, 2], "b": [1]})', ValueError, "'b' has 1"),
    ('c.write_table({"a": [1, 2], "b": 5})', ValueError, "write [5]"),
    ('c.write_table([{"a": 1}, {"b": 2}])', ValueError, "write None for a missing value"),
    ('c.write_table({"a": [1, "x"]})', ValueError, "The column 'a' cannot be stored"),
    ('c.write_table({"a": [object()]})', ValueError, "The column 'a' cannot be stored"),
    ('c.write_table({"a": [1j]})', ValueError, "The column 'a' cannot be stored"),
    ('c.write_table({"a": [2**70]})', ValueError, "does not fit into 64 bits"),
    ('c.write_table({"a": ["\\ud800"]})', ValueError, "surrogates not allowed"),
    ('c.write_table({"a": np.zeros((2, 2))})', ValueError, "has 2 dimensions"),
    ('c.write_table({"a": {1, 2}})', TypeError, "has no order"),
    ('c.write_table({"a": [b"x", "y"]})', ValueError, "both str and bytes"),
    ("c.write_table({1: [1]})", TypeError, "names of columns must be strings"),
    ('c.write_table({"_a": [1]})', ValueError, "underscore"),
    (
        'c.write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))',
        ValueError,
        "Duplicate column names",
    ),
    ('c.write_table(pa.table([[1], [2]], names=["a", "a"]))', ValueError, "rename one"),
    ('c.write_table(pd.DataFrame({"a": [1 + 2j]}))', ValueError, "column a"),
    ('c.create_appendable_table(["a"])', TypeError, "schema must be"),
    ('c.create_appendable_table({"a": "flot"})', ValueError, "'float64'"),
    (
        'c.create_appendable_table({"a": None})',
        ValueError,
        "The column 'a' cannot have the type None",
    ),
    ('c.create_appendable_table({"a": dt.datetime})', ValueError, "'timestamp[us, tz=UTC]'"),
    ('c.create_appendable_table({"a": complex})', ValueError, "The column 'a'"),
    ("c.create_appendable_table({})", ValueError, "no columns"),
    ('c.create_appendable_table({"a": int}, table_name="a b")', ValueError, "identifier"),
    # rows
    ('t.write({"a": [1, 2]})', ValueError, "the table has ['a', 'b', 's']"),
    ('t.append({"A": [1], "b": [0.5], "s": ["x"]})', ValueError, "the table has"),
    ('t.append({"a": [1], "b": [0.5], "s": "x"})', ValueError, "write ['x']"),
    ('t.append([1, 0.5, "x"])', TypeError, "rows must be a DataFrame"),
    ('t.append(pd.Series({"a": 1, "b": 0.5, "s": "x"}))', TypeError, "frame.iloc[[0]]"),
    (
        't.append(pd.DataFrame({"a": [1], "b": [0.5], "s": ["x"]}).set_index("a"))',
        ValueError,
        "reset_index()",
    ),
    (
        't.append(pd.DataFrame({"a": [1], "b": [0.5], "s": ["x"]}, index=["lost"]))',
        ValueError,
        "reset_index()",
    ),
    ('t.append({"a": [1.5], "b": [0.5], "s": ["x"]})', ValueError, "the column 'a'"),
    ('t.append({"a": ["1"], "b": [0.5], "s": ["x"]})', ValueError, "convert them first"),
    ('t.append({"a": [1], "b": [0.5], "s": [5]})', ValueError, "the column 's'"),
    ('t.append({"a": [1], "b": [2**60 + 1], "s": ["x"]})', ValueError, "the column 'b'"),
    ('t.append({"a": [np.nan], "b": [0.5], "s": ["x"]})', ValueError, "the column 'a'"),
    ('t.write_partition({"a": [1]}, 0)', TypeError, "partition must be an integer"),
    ('t.write_partition(5, {"a": [1], "b": [0.5], "s": ["x"]})', ValueError, "out of range"),
    ('ta.append(row(time=NOON.tz_localize("UTC")))', ValueError, "the column 'time'"),
    ("ta.append(row(tz=NOON))", ValueError, "use `tz_localize` first"),
    ("ta.append(row(time=1))", ValueError, "the column 'time'"),
    ("ta.append(row(time=NANOSECONDS))", ValueError, "would lose data"),
    ('ta.append(row(time="1.1.2026"))', ValueError, "Failed to parse"),
    ("ta.append(row(ok=0.5))", ValueError, "the column 'ok'"),
    ("ta.append(row(ok=2))", ValueError, "the column 'ok'"),
    ('ta.append(row(ok="true"))', ValueError, "the column 'ok'"),
    ("ta.append(row(n=300))", ValueError, "the column 'n'"),
    ('ta.append(row(n="5"))', ValueError, "the column 'n'"),
    ("ta.append(row(v=1e300))", ValueError, "the column 'v'"),
    ("ta.append(row(s=5))", ValueError, "the column 's'"),
    # reads of tables
    ('t["q"]', KeyError, "the columns are a, b, s"),
    ("t[0]", KeyError, "the columns are a, b, s"),
    ("t[0:1]", TypeError, "use read_rows"),
    ('t[t["a"] > 1]', TypeError, "use read_rows"),
    ('t["a"] = [1, 2]', TypeError, "use append"),
    ('t.read("ab")', KeyError, "no column 'ab'"),
    ("t.read(0)", KeyError, "the columns are"),
    ("t.read_rows(-1, 1)", ValueError, "offset must be at least 0"),
    ("t.read_rows(0.5, 1)", ValueError, "offset must be an integer"),
    ("t.read_rows(0, None)", TypeError, "count must be an integer"),
    ("t.read_rows(0, 100)", ValueError, "there are 2"),
    ('t.read_partition("0")', TypeError, "partition must be an integer"),
    ("t.read_partition(1)", ValueError, "out of range"),
    ('t.export(io.BytesIO(), columns=["q"], format="csv")', KeyError, "no column 'q'"),
    # sparse, ragged and awkward arrays
    ("c.write_sparse(np.eye(3))", TypeError, "sparse.COO(array)"),
    ("c.write_sparse([[0], [1]], [1.0])", ValueError, "shape is missing"),
    ("c.write_sparse([[0], [1]], [1.0], (1, 1))", ValueError, "is not from 0 to 0"),
    ("c.write_sparse([[0], [-1]], [1.0], (4, 4))", ValueError, "The coordinate -1"),
    ("c.write_sparse([[0.5], [1.0]], [1.0], (4, 4))", ValueError, "coords must be integers"),
    ("c.write_sparse([(0, 1)], [1.0], (4, 4))", ValueError, "one row per dimension"),
    ("c.write_sparse([[0], [1]], [1.0], (4.5, 4))", ValueError, "shape must be an integer"),
    ('c.write_sparse([[0], [1]], ["x"], (4, 4))', ValueError, "booleans, integers or floats"),
    ("c.write_sparse(FILLED)", ValueError, "the fill value nan would be lost"),
    ("c.write_sparse(sparse.COO(np.eye(3)), shape=(4, 4))", ValueError, "does not fit the shape"),
    ("c.write_sparse([[1]], MASKED[1:2], (3,))", ValueError, ".filled(value)"),
    ("sp.write(sparse.COO(np.eye(3)))", ValueError, "does not fit the shape"),
    ("sp.write(sparse.COO(np.ones((3, 4)), fill_value=1))", ValueError, "fill value"),
    ("sp.write(np.zeros((3, 4)))", TypeError, "sparse.COO(array)"),
    ("sp.write([[0, 9], [1, 3]], [1.0, 2.0])", ValueError, "The coordinate 9"),
    ("sp.write([[0, 1], [1, 3]], [1.0, 2j])", TypeError, "do not fit"),
    ("sp.write_block([[0], [0]], [1.0])", IndexError, "indices"),
    ("sp[5]", IndexError, "out of range"),
    ("c.write_ragged(5)", TypeError, "nested lists"),
    ('c.write_ragged("abc")', TypeError, "nested lists"),
    ('c.write_ragged([["a"], ["b", "c"]])', TypeError, "use write_awkward"),
    ("c.write_ragged([[1], [None]])", ValueError, "no missing values"),
    ("c.write_ragged([[1], 2])", TypeError, "the same depth"),
    ('c.write_ragged([{"a": 1}])', TypeError, "use write_awkward"),
    ("c.write_ragged(MASKED)", ValueError, "no missing values"),
    ('c.write_ragged([[1]], dims="ab")', ValueError, "one name for each"),
    ("r.append([4, 5])", ValueError, "[[1, 2]] for one row"),
    ("r.append([[4.5]])", TypeError, "do not fit"),
    ("r.append([[1], [None]])", ValueError, "no missing values"),
    ("r.patch([[7]], 0.5)", ValueError, "offset must be an integer"),
    ("r.patch([[7]], (0, 0))", ValueError, "the number of a row"),
    ("r.patch([[7]], 99)", TiledClientError, "extend"),
    ("r.write([[1]])", ValueError, "must have 2 rows"),
    ("r[0, 99]", ValueError, "slice"),
    ("c.write_awkward(None)", TypeError, "nested lists"),
    ("c.write_awkward([object()])", ValueError, "not an awkward array"),
    ('a.write([{"x": 1}])', ValueError, "create a new node"),
    ('a["q"]', IndexError, "no field 'q'"),
    # nodes
    ('c["q"]', KeyError, "q"),
    ('c[""]', KeyError, "is not a key"),
    ("c[0]", TypeError, "c.values()[0]"),
    ("c[:2]", TypeError, "c.values()[0]"),
    ('c["m", 5]', TypeError, "c.values()[0]"),
    ('c.keys()["x"]', TypeError, "index must be an integer"),
    ("c.keys()[99]", IndexError, "out of range"),
    ("c.keys()[::0]", ValueError, "must not be zero"),
    ("c.keys().head(2.5)", ValueError, "index must be an integer"),
    ('c.delete_contents("")', ValueError, "use delete()"),
    ("c.delete_contents([5])", TypeError, "keys must be names"),
    ('m.delete(recursive="no")', TypeError, "recursive must be True or False"),
    ("x.delete()", TiledClientError, "external_only=False"),
    ("c.delete()", TiledClientError, "recursive=True"),
    ("x.export(None)", TypeError, "file must be a path"),
    ('x.export(io.StringIO(), format="csv")', TypeError, "opened to write bytes"),
    ("x.export(io.BytesIO())", ValueError, "pass format='csv'"),
    ("x.export(io.BytesIO(), format=5)", TypeError, "format must be a string"),
    ('x.export(io.BytesIO(), format="csv", block=(9,))', IndexError, "out of range"),
    ('c.export(io.BytesIO(), [], format="h5")', ValueError, "list of names is empty"),
    ('c.export(io.BytesIO(), [5], format="h5")', TypeError, "must be names"),
    ('x.delete_asset("x")', TypeError, "number must be an integer"),
    # searches
    ('c.search("red")', TypeError, 'Key("color") == "red"'),
    ('c.search({"color": "red"})', TypeError, 'Key("color") == "red"'),
    ('c.search(Key("color"))', TypeError, 'Key("color") == "red"'),
    ("c.search(FullText)", TypeError, 'FullText("red")'),
    ('c.search("color" == "red")', TypeError, "not bool"),
    ('c.search((Key("a") == 1) & (Key("b") == 2))', TypeError, "c.search(...).search(...)"),
    ('c.search(Key("a") == 1 and Key("b") == 2)', TypeError, "search again in the result"),
    ('c.search(1 < Key("a") < 5)', TypeError, "search again in the result"),
    ('c.search(not Key("a"))', TypeError, "a Key is not a query"),
    ('Key("a") == object()', TypeError, "value is of type object"),
    ('Key("a") == float("nan")', ValueError, "value is nan"),
    ("Key(5) == 1", TypeError, "a key must be a string"),
    ('Key("") == 1', ValueError, "must not be empty"),
    ('FullText(["a", "b"])', TypeError, "text of FullText must be a string"),
    ('In("a", "red")', TypeError, "value must be a list"),
    ('In("a", 5)', TypeError, "value must be a list"),
    ('NotIn("a", None)', TypeError, "value must be a list"),
    ('Like("a", 5)', TypeError, "pattern of Like must be a string"),
    ('Comparison(">", "a", 5)', ValueError, "lt, le, gt, ge"),
    ('KeyPresent("a", "no")', TypeError, "exists must be True or False"),
    ("KeysFilter([5])", TypeError, "keys must be names"),
    ('SpecsQuery("image")', TypeError, "include must be a list"),
    ('SpecQuery(["a"])', TypeError, "include must be names"),
    ('StructureFamilyQuery("arrays")', ValueError, "container, array"),
    ('AccessTagsFilter("a")', TypeError, "tags must be a list"),
    ('list(c.search(Regex("a", "(")))', ValueError, "missing )"),
    ('list(c.search(Created("yesterday")))', ValueError, "ISO 8601"),
    ("list(c.search(Created(dt.datetime(2026, 1, 1))))", ValueError, "time zone"),
    ("c.search_deep()", TypeError, "at least one query"),
    ('c.search_deep("red")', TypeError, 'Key("color") == "red"'),
    ('c.search_deep(FullText("a"), max_depth=0)', ValueError, "max_depth must be at least 1"),
    ('c.sort("color", "asc")', ValueError, "use '-color'"),
    ('c.sort(["color"])', TypeError, "sort('color', '-time')"),
    ('c.sort(Key("color"))', TypeError, "sort('color', '-time')"),
    ('c.distinct(["color"])', TypeError, "must be names"),
    # streams
    ("x.subscribe(start=0)", TypeError, "there is no option 'start'"),
    ("x.subscribe(bufer_bytes=5)", TypeError, "buffer_bytes"),
    ('x.subscribe(policy="newest")', ValueError, "'block' or 'latest'"),
    ('x.subscribe(max_rate="5")', TypeError, "max_rate must be a number"),
    ("x.subscribe(max_rate=0)", ValueError, "above 0"),
    ("x.subscribe(slice=np.s_[-1])", ValueError, "non-negative"),
    ("x.subscribe(slice=[0, 1])", IndexError, "only integers, slices"),
    ('x.subscribe(reduce="mean")', ValueError, "as in mean:4,4"),
    ("x.subscribe(roi=(0, 5))", ValueError, "100:200,50:80"),
    ('x.subscribe(columns=["a"])', TypeError, "does not support the option columns"),
    ('x.subscribe(buffer_bytes="a")', TypeError, "buffer_bytes must be a number"),
    ("x.subscribe(give_up_after=None)", TypeError, "give_up_after must be a number"),
    ('c.subscribe(recursive="yes")', TypeError, "recursive must be True or False"),
    ('t.subscribe(columns="a")', TypeError, "['a']"),
    ('t.subscribe(columns=["q"])', KeyError, "no column 'q'"),
    ("t.subscribe(columns=[])", ValueError, "must not be empty"),
    ('x.subscribe().start_in_thread("newest")', ValueError, "start must be 0"),
    ("x.subscribe().start_in_thread(-1)", ValueError, "start must be 0"),
    ("x.subscribe().start_in_thread(1.5)", ValueError, "start must be 0"),
    ('x.subscribe().start_in_thread(start_time="2026-01-01")', TypeError, "must be a datetime"),
    ("x.subscribe().start_in_thread(start_time=1e30)", ValueError, "seconds since 1970"),
    ("x.subscribe().start_in_thread(0, start_time=5)", ValueError, "not both"),
    ('x.subscribe().start_in_thread(timeout="5")', TypeError, "number of seconds"),
    ("x.subscribe().wait()", RuntimeError, "call start_in_thread() first"),
    ("x.subscribe().new_data.add_callback(None)", TypeError, "must be callable"),
    ("x.subscribe().new_data.remove_callback(print)", ValueError, "is not a callback of new_data"),
    ("x.new_data.add_callback(print)", AttributeError, "sub = x.subscribe()"),
    ("for update in x.subscribe(): pass", TypeError, "sub.updates()"),
    ('x.updates(columns=["a"])', TypeError, "does not support the option columns"),
    ("c.connect_stream(foo=1)", TypeError, "there is no option 'foo'"),
    ('c.connect_stream().subscribe("x")', TypeError, "has no stream"),
    ('from_uri("localhost:8000")', ValueError, "is not a URL like"),
    ("from_uri(None)", TypeError, "must be a string"),
    ("HttpOptions(connections=0)", ValueError, "above 0"),
    ('HttpOptions(read_timeout="5")', TypeError, "must be a number"),
    ("StreamOptions(buffer_bytes=-1)", ValueError, "above 0"),
]

ACCEPTED = [
    ('own.write_array([1], specs="image").specs', (Spec("image"),)),
    ('own.write_array([1], specs=Spec("image", "1")).specs', (Spec("image", "1"),)),
    ('own.write_array([1], dims="x").dims', ("x",)),
    ("own.write_array(np.zeros((4, 4)), chunks=2.0).chunks", ((2, 2), (2, 2))),
    ("own.write_array(np.zeros((4, 4)), chunks=np.array([2, 4])).chunks", ((2, 2), (4,))),
    ("own.write_array(np.zeros((4, 4)), chunks=(None, 2)).chunks", ((4,), (2, 2))),
    ('own.write_array(np.zeros((4, 4)), chunks="auto").chunks', ((4,), (4,))),
    ("own.write_array(np.ma.array([1, 2])).read().tolist()", [1, 2]),
    ("own.write_array(x).read().tolist()", [1, 2, 3]),
    (
        'own.write_array([1], metadata={"a": np.arange(2), "b": (1,)}).metadata',
        {"a": [0, 1], "b": [1]},
    ),
    ('own.write_array([1], metadata=m.metadata["sub"]).metadata', {"k": [1, 2]}),
    ("patched(own.write_array([1, 2]), [9], 1.0)", [1, 9]),
    ("patched(own.write_array([1, 2]), [9], np.array(1))", [1, 9]),
    ("patched(own.write_array([1, 2]), 9, 1)", [1, 9]),
    ("patched(own.write_array([1, 2]), [], 1)", [1, 2]),
    ("patched(own.write_array([[1, 2]]), [3, 4], 1, extend=True)", [[1, 2], [3, 4]]),
    (
        "patched(own.write_array([[1, 2]]), [[3, 4, 5]], 1, extend=True, resize=True)",
        [[1, 2, 0], [3, 4, 5]],
    ),
    (
        "patched(own.write_array([[1, 2]]), [[3]], (1, 0), extend=True, resize=True)",
        [[1, 2], [3, 0]],
    ),
    ("patched(own.write_array([[1, 2]]), [[3]], (1, 1), extend=True)", [[1, 2], [0, 3]]),
    ('x.read("[1:]").tolist()', [2, 3]),
    ('x.read("0 : 2").tolist()', [1, 2]),
    ('sp.read("0").todense().tolist()', [0.0, 1.5, 0.0, 0.0]),
    ("f.read_block((0, 0, 0.0)).shape", (1, 4, 5)),
    ('own.write_table({"a": 1, "b": "xyz"}).read().values.tolist()', [[1, "xyz"]]),
    ('own.write_table([{"a": 1}, {"a": 2}]).read()["a"].tolist()', [1, 2]),
    ('own.write_table(np.array([(1, 2.0)], "i8,f8")).columns', ["f0", "f1"]),
    ('own.write_table(t).read()["s"].tolist()', ["x", "y"]),
    ('own.write_table({"a": x}).read()["a"].tolist()', [1, 2, 3]),
    ('own.write_table({"a": [NANOSECONDS]}).read()["a"].tolist()', [NANOSECONDS]),
    ('own.write_table({"a": MASKED}).read()["a"].isna().tolist()', [False, True, False]),
    (
        'own.create_appendable_table({"a": "timestamp[us, tz=UTC]"}).schema.field("a").type',
        pa.timestamp("us", "UTC"),
    ),
    ('own.create_appendable_table(pd.DataFrame({"a": [1]})).columns', ["a"]),
    ('appended(own.create_appendable_table({"a": int}), {"a": 1.0})', [1]),
    ('appended(own.create_appendable_table({"a": "?"}), {"a": [1]})', [True]),
    ('t.read("a")["a"].tolist()', [1, 2]),
    ('t.read_rows(0.0, 1.0)["a"].tolist()', [1]),
    ("own.write_sparse([[0.0], [1.0]], [2], (1, 2)).todense().tolist()", [[0, 2]]),
    ('5 in c or ("x", 5) in c or 5 in c.items()', False),
    ('c[["x"]].key', "x"),
    ('len(c.search(Key("a") == np.int64(5)))', 0),
    ('len(c.search(SpecQuery(Spec("image"))))', 0),
    ("x.subscribe().start_in_thread(np.int64(0)).disconnect()", None),
    ("copy.deepcopy(m.metadata)", {"color": "red", "sub": {"k": [1, 2]}}),
    ('type(copy.deepcopy(m.metadata)["sub"]["k"]) is list', True),
    ("pickle.loads(pickle.dumps(m.metadata)) == m.metadata", True),
    ("json.loads(json.dumps(m.metadata)) == m.metadata", True),
    ('isinstance(m.metadata, dict) and isinstance(m.metadata["sub"]["k"], list)', True),
    ("changed(m.metadata_copy()[0])", {"color": "blue", "sub": {"k": [1, 2]}}),
]


@pytest.mark.parametrize(
    ("code", "error", "phrase"), REJECTED, ids=[code[:60] for code, *_ in REJECTED]
)
def test_a_mistake_is_rejected_with_what_to_do(
    names: dict[str, Any], code: str, error: type[Exception], phrase: str
) -> None:
    with pytest.raises(error) as caught:
        exec(code, names)
    assert phrase in str(caught.value)


@pytest.mark.parametrize(("code", "expected"), ACCEPTED, ids=[code[:60] for code, _ in ACCEPTED])
def test_an_unusual_argument_has_its_obvious_meaning(
    names: dict[str, Any], code: str, expected: Any
) -> None:
    own = names["c"].create_container()
    try:
        found = eval(code, names, {"own": own})
    finally:
        own.delete(recursive=True, external_only=False)
    assert found == expected
