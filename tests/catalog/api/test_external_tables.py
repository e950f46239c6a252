"""Tables in files of others: registered, read in whole and in part, and grown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from pytest_django import Settings

from catalog import events
from catalog.models import DataSource, Node
from catalog.storage.files import file_uri
from tiled_client.wire.structures import TableStructure

from ..conftest import ARROW, Api, detail, ipc

ROWS = pa.table({"time": [0.5, 1.0, 1.5, 2.0], "count": [7, 8, 9, 10], "note": list("abcd")})
CSV, PARQUET = "text/csv", "application/x-parquet"


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder that may be read, beside one that may not."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    storage = settings.TILED.storage.model_copy(update={"readable": [allowed]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    return allowed


def write(path: Path, rows: pa.Table) -> Path:
    """A file of the kind that its name says, written long ago: nothing is still arriving."""
    if path.suffix == ".csv":
        pa.csv.write_csv(rows, path)
    elif path.suffix == ".parquet":
        pa.parquet.write_table(rows, path, row_group_size=2)
    else:
        path.write_bytes(ipc(rows))
    return long_ago(path)


def long_ago(path: Path) -> Path:
    os.utime(path, (0, 0))
    return path


def data_source(*paths: Path, schema: pa.Schema = ROWS.schema, **others: Any) -> dict[str, Any]:
    kinds = {".csv": CSV, ".parquet": PARQUET, ".arrow": ARROW}
    return {
        "structure_family": "table",
        "structure": TableStructure.from_schema(schema, npartitions=len(paths)).to_json(),
        "mimetype": kinds[paths[0].suffix],
        "management": "external",
        "assets": [
            {
                "data_uri": file_uri(path),
                "is_directory": False,
                "parameter": "data_uris",
                "num": number,
            }
            for number, path in enumerate(paths)
        ],
        **others,
    }


def register(api: Api, source: dict[str, Any]) -> Any:
    body = {"id": "t", "structure_family": "table", "data_sources": [source]}
    return api.send("POST", "/register/", body)


def registered(api: Api, source: dict[str, Any]) -> None:
    response = register(api, source)
    assert response.status_code == 200, response.content


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_files_are_the_partitions_of_one_table(api: Api, folder: Path, suffix: str) -> None:
    paths = [write(folder / f"{n}.{suffix}", ROWS.slice(2 * n, 2)) for n in range(2)]
    registered(api, data_source(*paths))
    assert api.rows("/table/full/t") == ROWS
    assert api.rows("/table/partition/t?partition=1") == ROWS.slice(2)
    assert api.rows("/table/full/t?column=note&column=time") == ROWS.select(["note", "time"])
    assert api.rows("/table/full/t?rows=1:3") == ROWS.slice(1, 2)
    assert api.rows("/table/partition/t?partition=1&rows=1:&column=note")["note"].to_pylist() == [
        "d"
    ]
    assert api.read("/array/full/t/count", int).tolist() == [7, 8, 9, 10]
    assert api.json("/table/full/t?format=json&rows=:1")["count"] == [7]


def test_rows_of_a_table_of_the_servers_own_are_read_by_number_too(api: Api) -> None:
    api.table("t", ROWS, npartitions=2)
    for partition, rows in ((0, ROWS.slice(0, 1)), (0, ROWS.slice(1, 1)), (1, ROWS.slice(2))):
        address = f"/table/partition/t?partition={partition}"
        assert api.send("PATCH", address, ipc(rows), ARROW).status_code == 200
    assert api.rows("/table/full/t?rows=1:3") == ROWS.slice(1, 2)
    assert api.rows("/table/full/t?rows=4:") == ROWS.slice(0, 0)
    assert api.rows("/table/partition/t?partition=0&rows=1:2&column=note")["note"].to_pylist() == [
        "b"
    ]


@pytest.mark.parametrize(
    ("rows", "status", "says"),
    [
        ("2:5", 400, "there are 4"),
        ("5:", 400, "there are 4"),
        ("3:1", 422, "start:stop"),
        ("-1:2", 422, "start:stop"),
        ("1", 422, "start:stop"),
        ("0:4:2", 422, "start:stop"),
        ("a:b", 422, "start:stop"),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_rows_that_are_not_there_are_refused(
    api: Api, folder: Path, rows: str, status: int, says: str, own: bool
) -> None:
    if own:
        api.table("t", ROWS)
        api.send("PUT", "/table/full/t", ipc(ROWS), ARROW)
    else:
        registered(api, data_source(write(folder / "a.csv", ROWS)))
    for address in ("full/t?", "partition/t?partition=0&"):
        response = api.get(f"/table/{address}rows={rows}")
        assert (response.status_code, says in detail(response)) == (status, True)


def test_a_line_that_is_not_complete_yet_is_no_row(api: Api, folder: Path) -> None:
    path = folder / "a.csv"
    path.write_bytes(b"time,count,note\n0.5,7,a\n1.0,8")
    registered(api, data_source(path))
    assert api.rows("/table/full/t")["count"].to_pylist() == [7]
    with path.open("ab") as file:
        file.write(b'1,"b\nc"\n1.5')
    assert api.rows("/table/full/t")["count"].to_pylist() == [7, 81]
    assert api.rows("/table/full/t?rows=1:2")["note"].to_pylist() == ["b\nc"]


def test_rows_that_were_announced_and_have_not_arrived_are_waited_for(
    api: Api, folder: Path
) -> None:
    path = folder / "a.csv"
    path.write_bytes(b"time,count,note\n0.5,7,a\n")
    registered(api, data_source(path))
    response = api.get("/table/full/t?rows=1:2")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert "there are 1" in detail(response)


def test_a_file_without_its_footer_is_waited_for(api: Api, folder: Path) -> None:
    path = write(folder / "a.parquet", ROWS)
    content = path.read_bytes()
    registered(api, data_source(path))
    for part in (b"", content[:2], content[:-20]):
        path.write_bytes(part)
        response = api.get("/table/full/t")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        long_ago(path)
        response = api.get("/table/full/t")
        assert (response.status_code, "truncated" in detail(response)) == (422, True)
    path.write_bytes(content)
    assert api.rows("/table/full/t") == ROWS


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"time,count,note\n0.5,seven,a\n", "seven"),
        ("a.csv", b"time,count,note\n0.5,7\n", "Expected 3 columns"),
        ("a.csv", b"time,number,note\n0.5,7,a\n", "no columns 'count'"),
        ("a.csv", b"time,count,count,note\n0.5,7,7,a\n", "2 columns 'count'"),
        ("a.csv", b"time,count,note\n0.5,7,\xff\n", "UTF"),
        ("a.csv", b"\xff\xfe,count,note\n0.5,7,a\n", "UTF"),
        ("a.csv", b"time,count,note\n0.5,7,a\r1.0,8,b\n", "line feed"),
        ("a.parquet", b"time,count,note\n", "not a Parquet file"),
        ("a.parquet", b"PAR1" + bytes(100) + b"PAR1", "cannot be read"),
        ("a.arrow", b"ARROW1" + bytes(100) + b"ARROW1", "cannot be read"),
    ],
)
def test_a_damaged_file_is_reported_with_the_problem(
    api: Api, folder: Path, name: str, content: bytes, says: str
) -> None:
    (folder / name).write_bytes(content)
    registered(api, data_source(long_ago(folder / name)))
    response = api.get("/table/full/t")
    assert (response.status_code, says in detail(response)) == (422, True), response.content


def test_a_file_of_other_types_is_read_only_where_no_value_changes(api: Api, folder: Path) -> None:
    path = write(folder / "a.parquet", pa.table({"x": pa.array([1, 2], pa.int32())}))
    registered(api, data_source(path, schema=pa.schema({"x": pa.int64()})))
    assert api.rows("/table/full/t") == pa.table({"x": [1, 2]})
    write(path, pa.table({"x": ["1", "2"]}))
    response = api.get("/table/full/t")
    assert (response.status_code, "declared as int64" in detail(response)) == (422, True)


KINDS = pa.table(
    {
        "flag": [True, None, False],
        "small": pa.array([1, None, 255], pa.uint8()),
        "a.b": pa.array([0.5, None, -1.0], pa.float32()),
        "when": pa.array([1, None, 1_500_000_000], pa.timestamp("ns")),
        "day": pa.array([1, None, 2], pa.date32()),
        "price": pa.array(["1.25", None, "3.00"]).cast(pa.decimal128(8, 2)),
        "kind": pa.array(["x", "y", "x"]).cast(pa.dictionary(pa.int8(), pa.string())),
        "note": pa.array(["a,b", 'c"d', "e\nf"], pa.large_string()),
    }
)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_columns_of_many_kinds_come_as_they_were_declared(
    api: Api, folder: Path, suffix: str
) -> None:
    nested = KINDS.append_column("a", pa.array([{"b": 1, "c": "x"}] * 3))
    rows = KINDS if suffix == "csv" else nested
    registered(api, data_source(write(folder / f"a.{suffix}", rows), schema=rows.schema))
    found = api.rows("/table/full/t")
    assert (found.schema, found.to_pydict()) == (rows.schema, rows.to_pydict())
    for name in rows.column_names:
        part = api.rows(f"/table/full/t?rows=1:3&column={name}")
        assert part.to_pydict() == {name: rows[name].to_pylist()[1:]}


def test_a_missing_file_or_a_folder_in_its_place_is_reported(api: Api, folder: Path) -> None:
    path = folder / "a.csv"
    registered(api, data_source(path))
    assert api.get("/table/full/t").status_code == 410
    path.mkdir()
    assert api.get("/table/full/t").status_code == 422
    path.rmdir()
    os.mkfifo(path)
    assert api.get("/table/full/t").status_code == 422


def test_no_way_leads_out_of_the_readable_folders(api: Api, folder: Path) -> None:
    secret = write(folder.parent / "secret.csv", ROWS)
    link = folder / "link.csv"
    link.symlink_to(secret)
    for path in (secret, folder / ".." / "secret.csv", link):
        assert register(api, data_source(path)).status_code == 403
    inside = write(folder / "a.csv", ROWS)
    registered(api, data_source(inside))
    inside.unlink()
    inside.symlink_to(secret)
    assert api.get("/table/full/t").status_code == 403


def test_csv_files_may_be_written_in_other_ways(api: Api, folder: Path) -> None:
    path = folder / "a.csv"
    path.write_bytes(b'\xef\xbb\xbftime;count;note\r\n\r\n0.5;7;a\r\n\n1.0;8;"b;""\n"\r\n')
    registered(api, data_source(path, parameters={"sep": ";"}))
    assert api.rows("/table/full/t").to_pydict() == {
        "time": [0.5, 1.0],
        "count": [7, 8],
        "note": ["a", 'b;"\n'],
    }


@pytest.mark.parametrize(
    ("content", "mimetype", "parameters"),
    [
        (b"0.5,7,a\n1.0,8,b\n", "text/csv;header=absent", {}),
        (b"0.5,7,a\n1.0,8,b\n", CSV, {"header": None}),
        (b"a,0.5,7\nb,1.0,8\n", CSV, {"names": ["note", "time", "count"]}),
        (b"A,B,C\na,0.5,7\nb,1.0,8\n", CSV, {"names": ["note", "time", "count"], "header": 0}),
        (b"note\tx\ttime\tcount\na\t1\t0.5\t7\nb\t1\t1.0\t8\n", CSV, {"delimiter": "\t"}),
    ],
)
def test_the_columns_of_csv_files_may_be_named_otherwise(
    api: Api, folder: Path, content: bytes, mimetype: str, parameters: dict[str, Any]
) -> None:
    path = folder / "a.csv"
    path.write_bytes(content)
    registered(api, data_source(path, mimetype=mimetype, parameters=parameters))
    assert api.rows("/table/full/t").to_pylist() == ROWS.slice(0, 2).to_pylist()
    assert api.rows("/table/full/t?rows=1:2&column=note")["note"].to_pylist() == ["b"]


def test_the_index_that_pandas_keeps_beside_its_rows_need_not_be_in_the_file(
    api: Api, folder: Path
) -> None:
    frame = ROWS.to_pandas()
    frame.index = [3, 1, 4, 1]
    schema = pa.Table.from_pandas(frame).schema
    registered(api, data_source(write(folder / "a.csv", ROWS), schema=schema))
    assert api.rows("/table/full/t").column_names == ROWS.column_names
    frame.to_parquet(folder / "b.parquet")
    api.send("DELETE", "/metadata/t")
    registered(api, data_source(folder / "b.parquet", schema=schema))
    assert api.rows("/table/full/t").to_pandas().index.tolist() == [3, 1, 4, 1]


def without(source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**source, "structure": {**source["structure"], **changes}}


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (lambda s: without(s, npartitions=2), 422, "npartitions is 2, but the files are 1"),
        (lambda s: without(s, columns=["other"]), 422, "'other'"),
        (lambda s: without(s, arrow_schema=s["structure"]["arrow_schema"][:80]), 422, "Arrow IPC"),
        (lambda s: {**s, "assets": []}, 422, "at least one asset"),
        (lambda s: {**s, "assets": [{**s["assets"][0], "num": 1}]}, 422, "num 0 to 0"),
        (lambda s: {**s, "assets": [{**s["assets"][0], "is_directory": True}]}, 422, "folder"),
        (lambda s: {**s, "mimetype": "text/html"}, 415, "text/html"),
        (lambda s: {**s, "parameters": {"sep": "ab"}}, 415, "'ab'"),
        (lambda s: {**s, "parameters": {"sep": "\n"}}, 415, "line end"),
        (lambda s: {**s, "parameters": {"names": "x"}}, 415, "'x'"),
        (lambda s: {**s, "parameters": {"skiprows": 3}}, 415, "skiprows=3"),
    ],
)
def test_contradictory_data_sources_are_not_registered(
    api: Api, folder: Path, change: Any, status: int, says: str
) -> None:
    response = register(api, change(data_source(write(folder / "a.csv", ROWS))))
    assert (response.status_code, says in detail(response)) == (status, True), response.content
    assert not Node.objects.filter(path="t").exists()


@pytest.fixture
def grown(api: Api, folder: Path, announced: list[events.Event]) -> dict[str, Any]:
    """The body of the request that says that a second file is there."""
    paths = [write(folder / f"{n}.csv", ROWS.slice(2 * n, 2)) for n in range(2)]
    registered(api, data_source(paths[0]))
    announced.clear()
    return {"data_source": data_source(*paths, id=DataSource.objects.get().pk)}


@pytest.mark.parametrize(
    ("query", "partition", "rows"),
    [
        ("?patch_offset=2&patch_shape=2", None, {"offset": 2, "count": 2}),
        ("?patch_offset=0&patch_shape=2&partition=1", 1, {"offset": 0, "count": 2}),
        ("?partition=1", 1, None),
        ("", None, None),
    ],
)
def test_new_rows_are_announced_as_the_producer_declares_them(
    api: Api,
    grown: dict[str, Any],
    announced: list[events.Event],
    query: str,
    partition: int | None,
    rows: dict[str, int] | None,
) -> None:
    assert api.send("PUT", f"/data_source/t{query}", grown).content == b"null"
    (event,) = announced
    assert isinstance(event, events.TableSourceUpdated)
    assert (event.partition, event.rows) == (partition, rows)
    assert api.rows("/table/full/t") == ROWS


@pytest.mark.parametrize(
    ("query", "change", "status"),
    [
        ("?patch_offset=2", {}, 400),
        ("?patch_offset=2,0&patch_shape=2,3", {}, 422),
        ("?patch_offset=2&patch_shape=2&partition=2", {}, 400),
        ("?partition=x", {}, 422),
        ("", {"mimetype": "text/html"}, 415),
        ("", {"structure": TableStructure.from_schema(ROWS.schema).to_json()}, 422),
        ("", {"structure_family": "array"}, 422),
    ],
)
def test_an_announcement_that_cannot_be_changes_nothing(
    api: Api,
    grown: dict[str, Any],
    announced: list[events.Event],
    query: str,
    change: dict[str, Any],
    status: int,
) -> None:
    body = {"data_source": grown["data_source"] | change}
    assert api.send("PUT", f"/data_source/t{query}", body).status_code == status
    assert announced == []
    assert api.rows("/table/full/t") == ROWS.slice(0, 2)


def test_rows_that_are_not_persisted_are_announced_and_not_stored(
    api: Api, folder: Path, announced: list[events.Event]
) -> None:
    registered(api, data_source(write(folder / "t.csv", ROWS)))
    api.table("own", ROWS)
    api.send("PUT", "/table/full/own", ipc(ROWS), ARROW)
    announced.clear()
    for node in ("t", "own"):
        for method, address in (
            ("PUT", f"full/{node}?"),
            ("PUT", f"partition/{node}?partition=0&"),
            ("PATCH", f"partition/{node}?partition=0&"),
        ):
            address = f"/table/{address}persist=false"
            assert api.send(method, address, ipc(ROWS), ARROW).status_code == 200
            assert api.send(method, address, ipc(ROWS.select(["time"])), ARROW).status_code == 422
        assert api.rows(f"/table/full/{node}") == ROWS
    assert [(e.partition, e.append, e.persisted) for e in announced] == [  # type: ignore[attr-defined]
        (None, False, False),
        (0, False, False),
        (0, True, False),
    ] * 2
    refused = api.send("PATCH", "/table/partition/t?partition=0", ipc(ROWS), ARROW)
    assert refused.status_code == 405


def test_more_than_an_answer_may_hold_is_refused_before_all_of_it_is_read(
    api: Api, folder: Path, settings: Settings
) -> None:
    registered(api, data_source(write(folder / "a.csv", ROWS)))
    storage = settings.TILED.storage.model_copy(update={"response_bytesize_limit": 40})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    assert api.get("/table/full/t").status_code == 400
    assert orjson.loads(api.get("/table/full/t?rows=:1&format=json").content)["count"] == [7]
