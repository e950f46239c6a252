"""The number of calls grows in proportion to the number of columns, chunks or keys.

Calls of functions are counted, not seconds: they are the same on every machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from tests.catalog.conftest import ARROW, Api, ipc
from tiled_client.wire.structures import ArrayStructure, TableStructure

FORMATS = ("application/json", "text/csv", "text/html", ARROW)


def wide_table(api: Api, count: int) -> None:
    """Create, write, append and read a table of `count` columns, in each format."""
    table = pa.table({f"pv_{number:05d}": [1.0] for number in range(count)})
    path = f"wide-{count}"
    structure = TableStructure.from_schema(table.schema)
    _counted("create", lambda: api.create(path, "table", structure))
    body = ipc(table)
    for method, address in (("PUT", "partition"), ("PATCH", "partition")):
        place = f"/table/{address}/{path}?partition=0"
        _counted(method, partial(api.send, method, place, body, ARROW))
    for media_type in FORMATS:
        _counted(media_type, partial(api.get, f"/table/full/{path}", accept=media_type))
    names = list(table.column_names)
    _counted("named", lambda: api.send("POST", f"/table/full/{path}", names, accept=ARROW))
    _counted("resource", lambda: api.get(f"/metadata/{path}"))
    _counted("column", lambda: api.get(f"/array/full/{path}/{names[-1]}"))
    _counted("export", lambda: api.get("/container/full/?format=application/json"))


def wide_metadata(api: Api, count: int) -> None:
    """Create, patch and list a node with `count` keys of metadata."""
    path = f"keys-{count}"
    metadata = {f"key_{number}": number for number in range(count)}
    body = {"id": path, "structure_family": "container", "metadata": metadata, "specs": []}
    _counted("create", lambda: api.send("POST", "/metadata/", body))
    patch = [{"op": "add", "path": f"/key_{n}", "value": -1} for n in range(min(count, 10_000))]
    merge = {f"key_{number}": None for number in range(count // 2)}
    for media_type, change in (("json-patch", patch), ("merge-patch", merge)):
        whole = {"content-type": f"application/{media_type}+json", "specs": None}
        whole["metadata"] = change  # type: ignore[assignment]
        _counted(media_type, partial(api.send, "PATCH", f"/metadata/{path}", whole))
    _counted("search", lambda: api.get("/search/"))
    _counted("deep", lambda: api.get("/search-deep/"))


def many_chunks(api: Api, count: int) -> None:
    """Create, extend and read an array of `count` chunks."""
    path = f"chunks-{count}"
    structure = ArrayStructure.from_array(np.zeros(count, "u1"))
    structure = ArrayStructure(structure.data_type, (count,), ((1,) * count,))
    _counted("create", lambda: api.create(path, "array", structure))
    extend = f"/array/full/{path}?offset={count}&shape=1&extend=true"
    _counted("extend", lambda: api.send("PATCH", extend, b"1", "application/octet-stream"))
    _counted("resource", lambda: api.get(f"/metadata/{path}"))
    _counted("block", lambda: api.get(f"/array/block/{path}?block={count - 1}"))
    _counted("slice", lambda: api.get(f"/array/full/{path}?slice=:10"))
    _counted("zarr", lambda: api.client.get(f"/zarr/v2/{path}/.zarray"))


def many_partitions(api: Api, count: int) -> None:
    """Create, write and read a table of `count` partitions, few of them written."""
    path, table = f"partitions-{count}", pa.table({"a": [1]})
    structure = TableStructure.from_schema(table.schema, npartitions=count)
    _counted("create", lambda: api.create(path, "table", structure))
    address = f"/table/partition/{path}?partition={count - 1}"
    _counted("write", lambda: api.send("PUT", address, ipc(table), ARROW))
    _counted("full", lambda: api.get(f"/table/full/{path}"))


def wide_records(api: Api, count: int) -> None:
    """Create and read a structured array of `count` fields."""
    array = np.zeros(2, [(f"f{number}", "f8") for number in range(count)])
    _counted("array", lambda: api.array(f"records-{count}", array))
    for media_type in ("application/json", "application/x-hdf5", "application/octet-stream"):
        _counted(media_type, partial(api.get, f"/array/full/records-{count}", accept=media_type))
    _counted("zarr", lambda: api.client.get(f"/zarr/v2/records-{count}/.zarray"))


STEPS: dict[str, int] = {}


def _counted(name: str, step: Callable[[], object]) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        response = step()
    finally:
        sys.setprofile(None)
    STEPS[name] = calls
    status = getattr(response, "status_code", 200)
    assert status < 500, (name, getattr(response, "content", b"")[:200])


@pytest.mark.parametrize(
    ("operations", "count"),
    [
        (wide_table, 300),
        (wide_metadata, 1000),
        (many_chunks, 5000),
        (many_partitions, 5000),
        (wide_records, 100),
    ],
)
def test_four_times_as_many_take_about_four_times_as_many_calls(
    api: Api, operations: Callable[[Api, int], None], count: int
) -> None:
    """Not sixteen times, as where each is compared with all others."""
    STEPS.clear()
    operations(api, count)
    few = dict(STEPS)
    operations(api, 4 * count)
    slow = {name: (few[name], STEPS[name]) for name in few if STEPS[name] > 6 * few[name]}
    assert not slow
