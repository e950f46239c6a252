"""Lost, damaged and left objects are found, each by its kind."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command

from catalog.models import AssetPart, Node
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.bucket.storage import BucketStorage
from catalog.services.verification.problems import ProblemKind
from catalog.services.verification.verify import verify_leftovers
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, ipc


@pytest.fixture
def site(bucket: BucketStorage, api: Api) -> BucketStorage:
    """A bucket with an array of three chunks, and a table in one object and a tail."""
    array = np.arange(30_000, dtype="f8").reshape(3, 10_000)
    structure = replace(ArrayStructure.from_array(array), chunks=((1, 1, 1), (10_000,)))
    assert api.create("x", "array", structure).status_code == 200
    assert api.send("PUT", "/array/full/x", array.tobytes(), OCTETS).status_code == 200
    api.table("t", pa.table({"n": [0]}))
    for count in (100_000, 2):
        body = ipc(pa.table({"n": range(count)}))
        assert api.send("PATCH", "/table/partition/t?partition=0", body, ARROW).status_code == 200
    return bucket


def kinds(*options: str) -> list[str]:
    told = io.StringIO()
    try:
        call_command("verify", "--json", *options, stdout=told, stderr=io.StringIO())
    except CommandError:
        assert told.getvalue()
    return [json.loads(line)["kind"] for line in told.getvalue().splitlines()]


def folder(path: str) -> str:
    return node_folder(Node.objects.get(path=path).uuid)


def rows_object() -> str:
    return f"{folder('t')}/{AssetPart.objects.exclude(name='').get().name}"


Damage = Callable[[BucketStorage], object]
DAMAGES: list[tuple[ProblemKind, Damage]] = [
    (ProblemKind.LOST_CHUNK, lambda bucket: bucket.objects.delete([f"{folder('x')}/c/1/0"])),
    (ProblemKind.UNREADABLE, lambda bucket: bucket.objects.put(f"{folder('x')}/c/2/0", b"12")),
    (ProblemKind.NO_DATA, lambda bucket: bucket.objects.delete([rows_object()])),
    (ProblemKind.UNREADABLE, lambda bucket: bucket.objects.put(rows_object(), b"rubbish")),
]


def test_a_bucket_in_order_has_no_problems(site: BucketStorage) -> None:
    assert kinds() == kinds("--quick") == []


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_each_damage_is_found(site: BucketStorage, number: int) -> None:
    kind, damage = DAMAGES[number]
    damage(site)
    assert kinds() == kinds("--quick") == kinds("--repair") == [kind.value]


def test_objects_of_no_node_and_of_no_row_are_found(site: BucketStorage) -> None:
    site.objects.put(f"{node_folder(uuid.uuid4())}/c/0", b"1")
    site.objects.put(f"{folder('t')}/partition-0-0123456789abcdef.arrows", b"1")
    assert list(verify_leftovers(min_age=900)) == []
    found = [problem.kind for problem in verify_leftovers(min_age=0)]
    assert found == [ProblemKind.NO_NODE, ProblemKind.NO_ROW]
