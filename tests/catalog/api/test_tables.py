"""Tables over HTTP: written whole, by partition, or row by row at the end."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from pytest_django import Settings

from catalog import events
from catalog.models import Asset, Node
from catalog.services.stores.folder.paths import node_folder
from catalog.storage import files
from tests.buckets import in_folder
from tiled_client.wire.structures import TableStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc

ROWS = pa.table({"x": [1, 2], "s": ["a", "bb"]})


def test_rows_are_read_back_with_columns_in_the_requested_order(api: Api) -> None:
    api.table("t", ROWS)
    assert api.send("PUT", "/table/full/t", ipc(ROWS), ARROW).status_code == 200
    assert api.rows("/table/full/t") == ROWS
    assert api.rows("/table/partition/t?partition=0&column=s&column=x").column_names == ["s", "x"]


def test_a_table_that_was_never_written_has_its_columns_and_no_rows(api: Api) -> None:
    api.table("t", ROWS)
    assert api.rows("/table/full/t") == ROWS.slice(0, 0)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", "/array/full/t/x"),
        ("PUT", "/array/block/t/x?block=0"),
        ("PATCH", "/array/full/t/x?offset=0&shape=1"),
    ],
)
def test_a_column_is_not_written_as_an_array(api: Api, method: str, address: str) -> None:
    api.table("t", ROWS)
    response = api.send(method, address, bytes(8), OCTETS)
    assert (response.status_code, detail(response)) == (
        405,
        "This node does not support writing of array data.",
    )
    assert api.send(method, address.replace("t/x", "t/y"), bytes(8), OCTETS).status_code == 404


def test_appended_rows_come_after_those_that_are_there(api: Api) -> None:
    api.table("t", ROWS, npartitions=2)
    for partition in (0, 1, 0):
        address = f"/table/partition/t?partition={partition}"
        assert api.send("PATCH", address, ipc(ROWS), ARROW).status_code == 200
    assert api.rows("/table/partition/t?partition=0")["x"].to_pylist() == [1, 2, 1, 2]
    assert api.rows("/table/full/t").num_rows == 6


def test_a_written_partition_replaces_the_one_before(api: Api) -> None:
    api.table("t", ROWS)
    for rows in (pa.concat_tables([ROWS, ROWS]), ROWS):
        api.send("PUT", "/table/partition/t?partition=0", ipc(rows), ARROW)
    assert api.rows("/table/full/t") == ROWS


def test_the_index_of_a_pandas_frame_is_dropped_where_the_schema_has_none(api: Api) -> None:
    api.table("t", ROWS)
    frame = pd.DataFrame({"x": [5], "s": ["c"]}, index=[7])
    body = ipc(pa.Table.from_pandas(frame))
    assert api.send("PATCH", "/table/partition/t?partition=0", body, ARROW).status_code == 200
    assert api.rows("/table/full/t").to_pydict() == {"x": [5], "s": ["c"]}


def test_a_column_is_an_array_below_its_table(api: Api) -> None:
    api.table("t", ROWS)
    api.send("PUT", "/table/full/t", ipc(ROWS), ARROW)
    attributes = api.json("/metadata/t/s")["data"]["attributes"]
    assert attributes["ancestors"] == ["t"]
    assert attributes["structure"]["shape"] == [2]
    assert api.read("/array/full/t/x?slice=1:", int).tolist() == [2]
    assert api.read("/array/full/t/s", "<U2").tolist() == ["a", "bb"]


def test_a_table_is_read_as_json_csv_and_parquet_too(api: Api) -> None:
    api.table("t", ROWS)
    api.send("PUT", "/table/full/t", ipc(ROWS), ARROW)
    assert api.json("/table/full/t?format=json") == {"x": [1, 2], "s": ["a", "bb"]}
    csv = api.get("/table/full/t", accept="text/csv").content
    assert csv.decode().splitlines() == ['"x","s"', '1,"a"', '2,"bb"']
    parquet = api.get("/table/full/t?format=parquet").content
    assert pd.read_parquet(pa.BufferReader(parquet))["x"].tolist() == [1, 2]


def test_times_are_strings_in_json(api: Api) -> None:
    moment = pd.Timestamp("2026-01-02T03:04:05.678901234")
    rows = pa.table(
        {"t": pa.array([moment, None], pa.timestamp("ns")), "d": [moment.date(), moment.date()]}
    )
    api.table("t", rows)
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    assert api.json("/table/full/t?format=json") == {
        "t": ["2026-01-02T03:04:05.678901234", None],
        "d": ["2026-01-02", "2026-01-02"],
    }


OTHER = pa.table({"x": [1.5, 2.5], "s": ["a", "b"]})
LESS = pa.table({"x": [1]})


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "says"),
    [
        ("PATCH", "/table/partition/t?partition=0", ipc(OTHER), 422, "x.*int64"),
        ("PATCH", "/table/partition/t?partition=0", ipc(LESS), 422, "'s'"),
        ("PUT", "/table/full/t", b"rubbish", 422, "Arrow"),
        ("PUT", "/table/full/t", b"ARROW1", 422, "Arrow"),
        ("PUT", "/table/full/t", ipc(ROWS)[:-40], 422, "Arrow"),
        ("PATCH", "/table/partition/t?partition=1", ipc(ROWS), 400, "Partition out of range"),
        ("PATCH", "/table/partition/t", ipc(ROWS), 422, "partition is missing"),
        ("PUT", "/table/full/none", ipc(ROWS), 404, "No such entry"),
        ("GET", "/table/full/t?column=z", b"", 400, "No such field 'z'"),
        ("GET", "/table/full/t?column=x&field=x", b"", 400, "field.*column|column.*field"),
        ("GET", "/table/partition/t?partition=-1", b"", 422, "at least 0"),
        ("POST", "/table/full/t", b"[]", 422, "names"),
        ("GET", "/array/full/t", b"", 404, "structure family table"),
    ],
)
def test_a_rejected_request_has_a_reason_and_no_effect(
    api: Api,
    announced: list[events.Event],
    method: str,
    address: str,
    body: bytes,
    status: int,
    says: str,
) -> None:
    api.table("t", ROWS)
    api.send("PUT", "/table/full/t", ipc(ROWS), ARROW)
    announced.clear()
    media_type = "application/json" if method == "POST" else ARROW
    response = api.send(method, address, body, media_type)
    assert response.status_code == status
    assert re.search(says, detail(response), re.DOTALL)
    assert announced == []
    assert api.rows("/table/full/t") == ROWS


def test_appended_rows_are_announced_as_they_came(api: Api, announced: list[events.Event]) -> None:
    api.table("t", ROWS)
    announced.clear()
    api.send("PATCH", "/table/partition/t?partition=0", ipc(ROWS), ARROW)
    assert [(type(e), e.partition, e.append, e.payload) for e in announced] == [  # type: ignore[attr-defined]
        (events.TableWritten, 0, True, ipc(ROWS))
    ]


def test_updates_say_which_rows_of_the_whole_table_they_have(
    api: Api, announced: list[events.Event]
) -> None:
    api.table("t", ROWS, npartitions=3)
    announced.clear()
    one, body = ROWS.slice(0, 1), ipc(ROWS)

    def rows(method: str, address: str, body: bytes = body) -> tuple[int, int] | None:
        assert api.send(method, address, body, ARROW).status_code == 200
        event = announced.pop()
        assert isinstance(event, events.TableWritten)
        return event.rows and (event.rows["offset"], event.rows["count"])

    last, middle, first = (f"/table/partition/t?partition={number}" for number in (2, 1, 0))
    assert rows("PATCH", last) == (0, 2)
    assert rows("PATCH", first, ipc(one)) == (0, 1)
    assert rows("PATCH", last) == (3, 2)
    assert rows("PUT", middle, ipc(pa.concat_tables([ROWS] * 3))) == (1, 6)
    # Files of earlier versions have no count.
    Asset.objects.update(rows=None)
    assert rows("PATCH", last, ipc(one)) == (11, 1)
    assert rows("PATCH", f"{last}&persist=false") is None
    assert rows("PATCH", last, ipc(ROWS.slice(0, 0))) == (12, 0)
    assert rows("PATCH", last) == (12, 2)
    assert api.rows("/table/full/t").num_rows == 14
    assert rows("PUT", "/table/full/t") == (0, 2)
    assert rows("PATCH", first) == (2, 2)
    assert sorted(Asset.objects.values_list("rows", flat=True)) == [4]


def test_rows_sent_as_an_arrow_stream_are_announced_as_the_file_they_are_called(
    api: Api, announced: list[events.Event]
) -> None:
    api.table("t", ROWS)
    announced.clear()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ROWS.schema) as writer:
        writer.write_table(ROWS)
    api.send("PATCH", "/table/partition/t?partition=0", sink.getvalue().to_pybytes(), ARROW)
    (event,) = announced
    assert isinstance(event, events.TableWritten)
    assert pa.ipc.open_file(event.payload).read_all() == ROWS


def test_a_numpy_column_keeps_its_dtype(api: Api) -> None:
    rows = pa.table({"f": np.array([1.5], "f4")})
    api.table("t", rows)
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    structure = orjson.loads(api.get("/metadata/t/f").content)["data"]["attributes"]["structure"]
    assert structure["data_type"]["itemsize"] == 4


@pytest.mark.parametrize("change", [{"columns": ["x", "z"]}, {"arrow_schema": "data:"}])
def test_a_table_whose_columns_and_schema_disagree_is_refused(
    api: Api, change: dict[str, object]
) -> None:
    structure = {**TableStructure.from_schema(ROWS.schema).to_json(), **change}
    source = {"structure_family": "table", "structure": structure}
    body = {"id": "t", "structure_family": "table", "data_sources": [source]}
    assert api.send("POST", "/metadata/", body).status_code == 422
    assert api.get("/metadata/t").status_code == 404


@in_folder
def test_a_site_that_has_moved_reads_and_writes_where_it_is_now(
    api: Api, tmp_path: Path, settings: Settings
) -> None:
    api.table("t", ROWS)
    api.send("PUT", "/table/full/t", ipc(ROWS), ARROW)
    before = settings.TILED.storage.directory
    stored = files.uri_path(Asset.objects.get().data_uri)
    size = stored.stat().st_size
    shutil.copytree(before, tmp_path / "moved")
    storage = settings.TILED.storage.model_copy(update={"directory": tmp_path / "moved"})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    api.send("PATCH", "/table/partition/t?partition=0", ipc(ROWS), ARROW)
    assert api.rows("/table/full/t").num_rows == 4
    assert stored.stat().st_size == size


def frame(labels: range, *, in_column: bool = False) -> pa.Table:
    rows = pd.DataFrame({"x": list(labels)}, index=labels)
    return pa.Table.from_pandas(rows, preserve_index=True if in_column else None)


def labels_of(table: pa.Table) -> list[int]:
    return list(table.to_pandas().index)


@pytest.mark.parametrize("in_column", [False, True])
def test_rows_keep_the_labels_that_they_were_written_with(api: Api, in_column: bool) -> None:
    parts = [range(3), range(3, 8), range(8, 9), range(9, 10)]
    api.table("t", frame(range(0)), npartitions=4)
    for number, labels in enumerate(parts):
        address = f"/table/partition/t?partition={number}"
        body = ipc(frame(labels, in_column=in_column))
        assert api.send("PUT", address, body, ARROW).status_code == 200
        assert labels_of(api.rows(address)) == list(labels)
        assert labels_of(api.rows(f"{address}&rows=0:1")) == list(labels)[:1]
    assert labels_of(api.rows("/table/full/t")) == list(range(10))
    assert labels_of(api.rows("/table/full/t?rows=2:9")) == list(range(2, 9))


def test_labels_that_are_no_range_together_are_counted_and_rows_can_be_added(api: Api) -> None:
    api.table("t", frame(range(0)), npartitions=2)
    for number in (0, 1):
        address = f"/table/partition/t?partition={number}"
        assert api.send("PUT", address, ipc(frame(range(5, 7))), ARROW).status_code == 200
        assert labels_of(api.rows(address)) == [5, 6]
    assert labels_of(api.rows("/table/full/t")) == [0, 1, 2, 3]
    assert api.send("PATCH", address, ipc(frame(range(7, 8))), ARROW).status_code == 200
    assert api.rows(address)["x"].to_pylist() == [5, 6, 7]
    assert labels_of(api.rows(address)) == [0, 1, 2]


@in_folder
def test_a_folder_in_place_of_a_partition_is_reported(api: Api) -> None:
    rows = pa.table({"n": [1]})
    api.table("t", rows)
    assert api.send("PUT", "/table/full/t", ipc(rows), ARROW).status_code == 200
    (file,) = (
        path
        for path in node_folder(Node.objects.get(path="t").uuid).iterdir()
        if path.suffix == ".arrows"
    )
    file.unlink()
    file.mkdir()
    for answer in (
        api.get("/table/full/t"),
        api.send("PATCH", "/table/partition/t?partition=0", ipc(rows), ARROW),
    ):
        assert (answer.status_code, "is a folder" in detail(answer)) == (422, True)
