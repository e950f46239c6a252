"""Damaged, lost and left files are found, each by its kind, and repaired where nothing is lost."""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command

from catalog.models import Asset, DataSource, Node
from catalog.services.cleanup import remove_orphaned_folders
from catalog.services.stores.folder.paths import node_folder
from catalog.services.verification.problems import ProblemKind
from tests.buckets import in_folder
from tiled_client.wire.structures import ArrayStructure

from .conftest import ARROW, OCTETS, Api, ipc

pytestmark = in_folder

LONG_AGO = 1_000_000_000


@pytest.fixture
def site(api: Api) -> Api:
    """An array of three chunks, and a table with rows in two batches; nothing else is stored."""
    remove_orphaned_folders(min_age=0)
    array = np.arange(30_000, dtype="f8").reshape(3, 10_000)
    structure = replace(ArrayStructure.from_array(array), chunks=((1, 1, 1), (10_000,)))
    assert api.create("x", "array", structure).status_code == 200
    assert api.send("PUT", "/array/full/x", array.tobytes(), OCTETS).status_code == 200
    rows = pa.table({"a": [1, 2], "b": ["one", "two"]})
    api.table("t", rows)
    for _ in range(2):
        body = ipc(rows)
        assert api.send("PATCH", "/table/partition/t?partition=0", body, ARROW).status_code == 200
    return api


def report(*options: str) -> tuple[list[dict[str, Any]], bool]:
    """Return the reported problems, and whether the command ended well."""
    told = io.StringIO()
    try:
        call_command("verify", "--json", *options, stdout=told, stderr=io.StringIO())
    except CommandError:
        return [json.loads(line) for line in told.getvalue().splitlines()], False
    return [json.loads(line) for line in told.getvalue().splitlines()], True


def kinds(*options: str) -> list[str]:
    return [problem["kind"] for problem in report(*options)[0]]


def folder(path: str) -> Path:
    return node_folder(Node.objects.get(path=path).uuid)


def partition() -> Path:
    (file,) = folder("t").glob("*.arrows")
    return file


def age(place: Path) -> None:
    os.utime(place, (LONG_AGO, LONG_AGO))


def flip(file: Path, place: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes([byte ^ 0xFF]))


def test_a_site_in_order_has_no_problems(site: Api) -> None:
    assert report() == ([], True)
    assert report("--quick") == ([], True)


DAMAGES: list[tuple[ProblemKind, Callable[[], object]]] = [
    (ProblemKind.LOST_CHUNK, lambda: (folder("x") / "c/1/0").unlink()),
    (ProblemKind.UNREADABLE, lambda: os.truncate(folder("x") / "c/2/0", 100)),
    (ProblemKind.NO_DATA, lambda: (folder("x") / "zarr.json").unlink()),
    (ProblemKind.UNREADABLE, lambda: (folder("x") / "zarr.json").write_text("{}")),
    (ProblemKind.NO_DATA, lambda: partition().unlink()),
    (ProblemKind.UNREADABLE, lambda: os.truncate(partition(), 400)),
    (ProblemKind.NO_SOURCE, lambda: DataSource.objects.get(node__path="x").delete()),
]


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_each_damage_is_found_and_not_made_worse_by_a_repair(site: Api, number: int) -> None:
    kind, damage = DAMAGES[number]
    damage()
    for options in ((), ("--quick",), ("--repair",)):
        found, well = report(*options)
        assert [(each["kind"], each["repaired"]) for each in found] == [(kind.value, None)]
        assert not well
    (problem,) = found
    assert kinds(problem["path"]) == [kind.value]
    other = "t" if problem["path"] == "x" else "x"
    assert kinds(other) == []


def test_bytes_that_no_text_has_are_found_by_reading_rows(site: Api) -> None:
    place = partition().read_bytes().index(b"onetwo")
    flip(partition(), place)
    assert kinds("--quick") == []
    assert kinds() == [ProblemKind.UNREADABLE.value]


def test_rows_that_an_earlier_version_has_not_counted_are_counted_again(site: Api) -> None:
    asset = Asset.objects.get(data_uri__endswith=partition().name)
    assert asset.known_rows == 4
    Asset.objects.filter(pk=asset.pk).update(rows=2, rows_size=1)
    asset.refresh_from_db()
    assert asset.known_rows is None, "an earlier version has appended without counting"
    rows = ipc(pa.table({"a": [5], "b": ["six"]}))
    assert site.send("PATCH", "/table/partition/t?partition=0", rows, ARROW).status_code == 200
    asset.refresh_from_db()
    assert asset.known_rows == 5
    Asset.objects.filter(pk=asset.pk).update(rows=7)
    assert kinds() == [ProblemKind.WRONG_ROWS.value]
    found, well = report("--repair")
    assert (found[0]["repaired"], well) == ("counted the rows of 1 partitions", True)
    assert report() == ([], True)


def test_left_files_are_found_once_no_write_can_need_them(site: Api) -> None:
    orphan = node_folder(uuid.uuid4())
    orphan.mkdir(parents=True)
    (orphan / "data").write_bytes(b"12345678")
    unnamed = folder("t") / "partition-0-0123abcd.arrows"
    unnamed.write_bytes(b"x")
    assert report("--repair") == ([], True), "they may be of a write in progress"
    age(orphan)
    age(unnamed)
    expected = {ProblemKind.NO_NODE.value, ProblemKind.NO_ROW.value}
    assert set(kinds()) == expected
    found, well = report("--repair")
    assert ({each["kind"] for each in found}, well) == (expected, True)
    moved = orphan.parent.parent / ".orphans" / orphan.name
    assert (moved / "data").read_bytes() == b"12345678"
    assert not unnamed.exists()
    assert report() == ([], True)
