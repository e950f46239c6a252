"""Any sequence of writes to a table reads back as the rows that were written, folder or bucket."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.models import Asset, AssetPart, Node
from catalog.services.stores.files import StoredFile, file_store, flushing, object_parts, part_rows
from catalog.services.stores.files import bucket as bucket_files
from catalog.services.stores.site import storage
from catalog.services.stores.site_bucket import object_store
from catalog.services.tables import reading, writing
from catalog.services.uploads import Upload
from catalog.services.verification.verify import Verification
from tests.buckets import Service

from .conftest import ARROW, Api, ipc

PARTITIONS = 2
SCHEMA = pa.schema([("x", pa.int64()), ("s", pa.string()), ("c", pa.dictionary("i1", "utf8"))])
numbers = itertools.count()


def rows(count: int, width: int) -> pa.Table:
    """Return new rows, each of its own, with texts of `width` characters."""
    x = list(itertools.islice(numbers, count))
    texts = [f"{each:0{width}d}" for each in x]
    kinds = pa.array([f"kind {each % 3}" for each in x], pa.string()).dictionary_encode()
    return pa.table({"x": x, "s": texts, "c": kinds.cast(SCHEMA.field("c").type)}, SCHEMA)


@pytest.fixture(params=["folder", "bucket"])
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Store the data of the test in a folder, and in a bucket with small objects."""
    if request.param == "bucket":
        use_bucket(request.getfixturevalue("buckets"), request.getfixturevalue("settings"))
        monkeypatch.setattr(flushing, "TAIL_BYTES", 6000)
        monkeypatch.setattr(object_parts, "OBJECT_BYTES", 12_000)
        monkeypatch.setattr(bucket_files, "MIN_NEW_OBJECT_BYTES", 2000)
    return str(request.param)


def use_bucket(buckets: Service, settings: Settings) -> None:
    location = buckets.location()
    storage = settings.TILED.storage.model_copy(
        update={
            "uri": location.uri,
            "endpoint": location.endpoint,
            "access_key_id": location.access_key_id,
            "secret_access_key": location.secret_access_key,
        }
    )
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})


sizes = st.tuples(st.integers(0, 60), st.sampled_from([1, 300]))
places = st.integers(0, PARTITIONS - 1)
operations = st.one_of(
    st.tuples(st.just("append"), places, sizes),
    st.tuples(st.just("replace"), places, sizes),
    st.tuples(st.just("replace all"), st.just(0), sizes),
    st.tuples(st.just("flush"), places, sizes),
    st.tuples(st.just("interrupted"), places, sizes),
    st.tuples(st.just("restart"), places, sizes),
)
keys = (f"t{number}" for number in itertools.count())


class Model:
    """A table, and the rows that it should have."""

    def __init__(self, api: Api) -> None:
        self.api, self.key = api, next(keys)
        self.parts: list[list[pa.Table]] = [[] for _ in range(PARTITIONS)]
        api.table(self.key, SCHEMA.empty_table(), npartitions=PARTITIONS)

    def carry_out(self, operation: str, place: int, count: int, width: int) -> None:
        if operation == "restart":
            part_rows._headers.clear()
            flushing._ends.clear()
            return
        if operation == "flush":
            if (file := self.file(place)) and AssetPart.objects.exists():
                flushing.flush_tail(file)
            return
        new = rows(count, width)
        if operation == "interrupted":
            # As of a server that was killed before its commit.
            if file := self.file(place):
                file_store().append(file, place, new, exclusive=True)
            return
        upload = Upload(ipc(new), ARROW, persist=True)
        if operation == "append":
            writing.append_rows(path=self.key, partition=place, upload=upload)
            self.parts[place].append(new)
        elif operation == "replace":
            writing.write_partition(path=self.key, partition=place, upload=upload)
            self.parts[place] = [new]
        else:
            writing.write_table(path=self.key, upload=upload)
            self.parts = [[new], *([] for _ in range(1, PARTITIONS))]

    def file(self, place: int) -> StoredFile | None:
        links = Node.objects.get(path=self.key).data_source.asset_links
        link = links.filter(num=place).first()
        return StoredFile.of(link.data_source.node.uuid, link.asset) if link else None

    def check(self, first: int, last: int) -> None:
        node = Node.objects.select_related("data_source").get(path=self.key)
        whole = values(pa.concat_tables([SCHEMA.empty_table(), *itertools.chain(*self.parts)]))
        assert values(reading.read_table(node)) == whole
        first, last = sorted((first % (len(whole) + 1), last % (len(whole) + 1)))
        found = reading.read_table(node, ["s"], slice(first, last))
        assert found["s"].to_pylist() == [row["s"] for row in whole[first:last]]
        for place, tables in enumerate(self.parts):
            mine = values(pa.concat_tables([SCHEMA.empty_table(), *tables]))
            assert values(reading.read_partition(node, place)) == mine
            if link := node.data_source.asset_links.filter(num=place).first():
                self.check_download(link.asset, mine, first, last)
        assert list(Verification(self.key).problems()) == []
        assert list(Verification(self.key, quick=True).problems()) == []

    def check_download(self, asset: Asset, mine: list[Any], first: int, last: int) -> None:
        address = f"/asset/bytes/{self.key}?id={asset.pk}"
        response = self.api.get(address)
        content = b"".join(response)  # type: ignore[arg-type]
        assert len(content) == int(response.headers["Content-Length"]) == asset.size
        assert values(pa.ipc.open_stream(content).read_all()) == mine
        assert asset.known_rows == len(mine)
        start, stop = first * 97 % asset.size, last * 97 % asset.size
        if start < stop:
            response = self.api.get(address, range=f"bytes={start}-{stop - 1}")
            assert b"".join(response) == content[start:stop]  # type: ignore[arg-type]


def values(table: pa.Table) -> list[dict[str, Any]]:
    return table.to_pylist()


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(done=st.lists(operations, max_size=14), first=st.integers(0, 999), last=st.integers(0, 999))
def test_every_row_is_read_once_after_any_sequence_of_writes(
    api: Api,
    stored: str,
    done: list[tuple[str, int, tuple[int, int]]],
    first: int,
    last: int,
) -> None:
    table = Model(api)
    for operation, place, (count, width) in done:
        table.carry_out(operation, place, count, width)
    table.check(first, last)


def test_appended_rows_are_moved_to_objects_of_the_least_size(
    api: Api, buckets: Service, settings: Settings
) -> None:
    use_bucket(buckets, settings)
    table = Model(api)
    for _ in range(40):
        table.carry_out("append", 0, 1000, 300)
    parts = AssetPart.objects.filter(asset__links__data_source__node__path=table.key)
    sizes = [part.size for part in parts.exclude(name="").order_by("start")]
    assert len(sizes) == 1
    assert sizes[0] >= flushing.TAIL_BYTES
    assert 0 < parts.filter(name="").count() < 20
    found = {each.size for each in object_store().list_objects()}
    assert sizes[0] + parts.get(start=0).size in found
    table.check(3, 999)


@pytest.mark.parametrize("stored", ["bucket"], indirect=True)
def test_objects_that_no_row_names_are_removed_and_no_others(api: Api, stored: str) -> None:
    table = Model(api)
    for operation in ("append", "interrupted", "append", "flush", "interrupted"):
        table.carry_out(operation, 0, 60, 300)
    table.carry_out("append", 1, 20, 300)
    store = storage()
    replaced = table.file(1)
    assert replaced is not None
    table.carry_out("replace", 1, 30, 300)
    assert store.remove_orphaned_files(min_age=900) == 0
    assert store.remove_orphaned_files(min_age=0) == 2
    node = replaced.node
    before = {each.name for each in object_store().list_objects()}
    store.tend(min_age=900)
    assert {each.name for each in object_store().list_objects()} == before
    store.tend(min_age=0)
    after = {each.name for each in object_store().list_objects()}
    named = set(AssetPart.objects.exclude(name="").values_list("name", flat=True))
    assert {name.rpartition("/")[2] for name in after} == named
    assert not AssetPart.objects.filter(name="", start__gt=0).exists(), "idle tails are moved"
    table.check(10, 50)
    store.discard_nodes([node])
    assert list(object_store().list_objects()) == []
