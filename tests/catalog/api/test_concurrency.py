"""Many requests at the same time, on one node: none is lost, none is left half done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pyarrow as pa
from django.db import connections

from catalog.models import Asset, DataSource, Node
from tests.buckets import in_folder

from ..conftest import ARROW, OCTETS, Api, ipc
from .test_nodes import ONES, stored_files

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Return the results of `calls`, each called in a separate thread."""

    def connected(call: Callable[[], T]) -> T:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(connected, calls))


@in_folder
def test_one_of_many_concurrent_creations_of_a_key_succeeds(api: Api) -> None:
    before = stored_files()
    answers = at_once([lambda: Api().create("x", "array", ONES).status_code] * 6)
    assert Counter(answers) == {200: 1, 409: 5}
    assert (len(stored_files() - before), DataSource.objects.count()) == (1, 1)


def test_no_update_of_metadata_and_no_extension_is_lost(api: Api) -> None:
    api.array("x", np.zeros((1, 2)))

    def describe(n: int) -> int:
        merge = {"content-type": "application/merge-patch+json", "metadata": {f"k{n}": n}}
        return Api().send("PATCH", "/metadata/x", {**merge, "specs": None}).status_code

    def extend(n: int) -> int:
        address = f"/array/full/x?offset={n}&shape=1,2&extend=true"
        return Api().send("PATCH", address, np.full(2, float(n)).tobytes(), OCTETS).status_code

    numbers = range(1, 6)
    calls = [(lambda f=f, n=n: f(n)) for n in numbers for f in (describe, extend)]
    assert set(at_once(calls)) == {200}
    assert len(api.json("/metadata/x")["data"]["attributes"]["metadata"]) == len(numbers)
    assert api.read("/array/full/x", "f8")[::2].tolist() == [0, *numbers]


def test_a_deletion_amid_writes_leaves_neither_rows_nor_files(api: Api) -> None:
    files, rows = stored_files(), pa.table({"n": [1]})
    for _ in range(3):
        api.container("c")
        api.array("c/x", np.zeros(3))
        api.table("c/t", rows, npartitions=2)
        writes = [
            ("POST", "/metadata/c", {"structure_family": "container"}, "application/json"),
            ("PATCH", "/array/full/c/x?offset=3&shape=1&extend=true", bytes(8), OCTETS),
            ("PUT", "/table/full/c/t", ipc(rows), ARROW),
            ("PATCH", "/table/partition/c/t?partition=1", ipc(rows), ARROW),
            ("PATCH", "/metadata/c/x", {"content-type": "", "specs": None}, "application/json"),
            ("DELETE", "/metadata/c?recursive=true&external_only=false", b"", "text/plain"),
        ]
        found = at_once([(lambda w=w: Api().send(*w).status_code) for w in writes])
        assert set(found) <= {200, 404, 406, 409}
        api.send("DELETE", "/metadata/c?recursive=true&external_only=false")
    left = (Node.objects.count(), Asset.objects.count(), stored_files())
    assert left == (1, 0, files)
