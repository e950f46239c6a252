"""Writes that arrive more than once under the same key: carried out once, answered alike."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from django.conf import LazySettings
from django.http import HttpResponse

from catalog import events
from catalog.models import Asset, Node, Receipt
from catalog.services import idempotency
from streaming.redis.keys import StreamKeys
from streaming.writing.log import stream_logs
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc
from . import test_ragged
from .test_concurrency import at_once

ROWS = ipc(pa.table({"n": [1]}))


def append(api: Api, key: str, body: bytes = ROWS) -> HttpResponse:
    headers = {"idempotency-key": key}
    return api.send("PATCH", "/table/partition/t?partition=0", body, ARROW, **headers)


def extend(api: Api, key: str, offset: int, query: str = "&extend=true") -> HttpResponse:
    address = f"/array/full/x?offset={offset}&shape=1{query}"
    return api.send("PATCH", address, np.ones(1).tobytes(), OCTETS, **{"idempotency-key": key})


def count(api: Api) -> int:
    return int(api.rows("/table/full/t").num_rows)


def test_rows_that_are_sent_twice_are_there_once(api: Api, announced: list[events.Event]) -> None:
    api.table("t", pa.table({"n": [1]}))
    announced.clear()
    # The first rows make the file of the partition; later ones are added to it.
    for key in ("a", "a", "b", '"b"', "a"):
        assert append(api, key).content == b"null"
    assert (count(api), len(announced)) == (2, 2)
    assert append(api, "c").status_code == 200
    assert count(api) == 3


def test_an_extension_that_is_sent_twice_is_answered_as_the_first_time(
    api: Api, announced: list[events.Event]
) -> None:
    api.array("x", np.zeros(1))
    announced.clear()
    first = extend(api, "a", 1).content
    assert extend(api, "b", 2).status_code == 200
    assert extend(api, "a", 1).content == first
    assert api.read("/array/full/x", "f8").tolist() == [0, 1, 1]
    assert len(announced) == 2


def test_ragged_rows_that_are_sent_twice_are_there_once(api: Api) -> None:
    api.create("r", "ragged", test_ragged.structure_of(0, None))
    body = test_ragged.body_of([[1, 2]])
    answers = [
        api.send(
            "PATCH",
            f"/ragged/full/r?offset={offset}&shape=1&extend=true",
            body,
            "application/zip",
            **{"idempotency-key": key},
        ).content
        for key, offset in (("a", 0), ("b", 1), ("a", 0))
    ]
    assert answers[0] == answers[2] != answers[1]
    assert api.json("/ragged/full/r") == [[1, 2], [1, 2]]


def test_a_key_belongs_to_one_request(api: Api) -> None:
    api.table("t", pa.table({"n": [1]}))
    api.array("x", np.zeros(1))
    append(api, "a")
    response = append(api, "a", ipc(pa.table({"n": [2]})))
    assert (response.status_code, "'a'" in detail(response)) == (422, True)
    assert count(api) == 1
    # Another node's keys are its own.
    assert extend(api, "a", 1).status_code == 200
    assert extend(api, "a", 2).status_code == 422


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 129])
def test_a_malformed_idempotency_key_is_rejected(api: Api, key: str) -> None:
    api.table("t", pa.table({"n": [1]}))
    assert append(api, key).status_code == 422
    assert count(api) == 0


def test_a_rejected_request_leaves_no_receipt(api: Api) -> None:
    api.array("x", np.zeros(1))
    assert extend(api, "a", 1, "").status_code == 409
    assert extend(api, "a", 1).status_code == 200
    # Nothing is stored of what is only to be seen; the stream remembers it.
    assert extend(api, "b", 2, "&extend=true&persist=false").status_code == 200
    assert [receipt.key for receipt in Receipt.objects.all()] == ["a"]


def test_of_concurrent_requests_under_one_key_one_appends_its_rows(api: Api) -> None:
    api.table("t", pa.table({"n": [1]}))
    append(api, "first")
    assert Counter(at_once([lambda: append(Api(), "a").status_code] * 6)) == {200: 6}
    assert count(api) == 2


def test_a_write_whose_receipt_cannot_be_stored_is_rolled_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.table("t", pa.table({"n": [1]}))
    monkeypatch.setattr(idempotency, "CLEANUP_INTERVAL", 1)
    for rows in (0, 1):
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr(idempotency, "_delete_old", lambda node: 1 / 0)
            append(api, "a")
        assert (count(api), Receipt.objects.count()) == (rows, rows)
        append(api, f"in vain no more {rows}".replace(" ", "-"))
    assert Asset.objects.count() == 1


def test_receipts_expire_and_their_number_is_limited(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "CLEANUP_INTERVAL", 1)
    monkeypatch.setattr(idempotency, "MAX_RECEIPTS_PER_NODE", 3)
    api.table("t", pa.table({"n": [1]}))
    api.array("x", np.zeros(1))
    now = 0.0
    monkeypatch.setattr(idempotency, "_ages", idempotency.Ages(lambda: now))
    extend(api, "old", 1)
    now = 3700.0
    for number in range(6):
        append(api, f"key{number}")
    kept = Receipt.objects.order_by("pk").values_list("key", flat=True)
    assert list(kept) == ["key3", "key4", "key5"]


def make(api: Api, key: str | None, endpoint: str = "metadata", **body: Any) -> HttpResponse:
    headers = {} if key is None else {"idempotency-key": key}
    return api.send("POST", f"/{endpoint}/c", body, **headers)


def test_two_creations_under_one_key_return_the_same_node(
    api: Api, announced: list[events.Event]
) -> None:
    api.container("c")
    announced.clear()
    asked = {"id": "n", "structure_family": "container", "metadata": {"a": 1}}
    first = make(api, "a", **asked)
    assert (first.status_code, make(api, "a", **asked).content) == (200, first.content)
    # The server chooses the key of a node once, too.
    nameless = make(api, "b", structure_family="container").content
    assert make(api, "b", structure_family="container").content == nameless
    assert (Node.objects.filter(parent__path="c").count(), len(announced)) == (2, 2)
    # The same description by another producer.
    assert [make(api, key, **asked).status_code for key in (None, "c")] == [409, 409]
    assert make(api, "a", **{**asked, "id": "m"}).status_code == 422
    api.send("DELETE", "/metadata/c/n")
    assert make(api, "c", **asked).status_code == 200
    gone = make(api, "a", **asked)
    assert (gone.status_code, "'a'" in detail(gone)) == (404, True)


def test_files_that_are_registered_twice_under_one_key_are_one_node(
    api: Api, tmp_path: Path, settings: LazySettings
) -> None:
    storage = settings.TILED.storage.model_copy(update={"readable": [tmp_path]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    api.container("c")
    source = {
        "structure_family": "array",
        "mimetype": "application/x-npy",
        "management": "external",
        "structure": ArrayStructure.from_array(np.zeros(1)).to_json(),
        "assets": [{"data_uri": (tmp_path / "x.npy").as_uri(), "is_directory": False}],
    }
    asked = {"id": "n", "structure_family": "array", "data_sources": [source]}
    first, again = (make(api, "a", "register", **asked) for _ in range(2))
    assert (first.status_code, orjson.loads(again.content)) == (200, orjson.loads(first.content))
    assert make(api, "b", "register", **asked).status_code == 409


def test_a_node_whose_receipt_cannot_be_stored_is_not_created(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.container("c")
    monkeypatch.setattr(idempotency, "CLEANUP_INTERVAL", 1)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(idempotency, "_delete_old", lambda node: 1 / 0)
        make(api, "a", id="n", structure_family="container")
    assert not Node.objects.filter(path="c/n").exists()
    assert make(api, "a", id="n", structure_family="container").status_code == 200


def test_a_stream_is_closed_once_under_its_key(api: Api) -> None:
    api.array("x", np.zeros(1))
    [log] = stream_logs()
    stream = StreamKeys.of(log._settings.prefix, Node.objects.get(path="x").uuid).log

    def close(key: str) -> None:
        answer = api.send("DELETE", "/stream/close/x", **{"idempotency-key": key})
        assert answer.status_code == 200

    close("a")
    assert api.send("PUT", "/array/full/x", np.ones(1).tobytes(), OCTETS).status_code == 200
    written = log._client.xlen(stream)
    close("a")
    assert log._client.xlen(stream) == written
    close("b")
    assert log._client.xlen(stream) == written + 1


def test_an_update_that_is_only_passed_on_is_streamed_once_under_its_key(api: Api) -> None:
    api.array("x", np.zeros(1))
    node = Node.objects.get(path="x").uuid
    [log] = stream_logs()
    stream = StreamKeys.of(log._settings.prefix, node).log
    before = log._client.xlen(stream)
    for key in ("a", "b", "a", "b"):
        headers = {"idempotency-key": key}
        body = np.ones(1).tobytes()
        answer = api.send("PUT", "/array/full/x?persist=false", body, OCTETS, **headers)
        assert answer.status_code == 200
    assert log._client.xlen(stream) == before + 2
    body = np.zeros(1).tobytes()
    for _ in range(2):  # without a key each is another one
        assert api.send("PUT", "/array/full/x?persist=false", body, OCTETS).status_code == 200
    assert log._client.xlen(stream) == before + 4
