"""The API of a catalog in this process, on a real database and real files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from django.http import HttpResponse
from django.test import Client

from catalog import events
from catalog.models import Node
from tiled_client.wire.structures import ArrayStructure, TableStructure

ARROW = "application/vnd.apache.arrow.file"
OCTETS = "application/octet-stream"


def octets(dtype: np.dtype[Any], count: int) -> bytes:
    """Return the bytes of `count` values that every reader accepts: valid characters in texts."""
    rng = np.random.default_rng(0)
    if dtype.kind == "U":
        return (
            rng.integers(1, 0xD000, count * dtype.itemsize // 4)
            .astype(np.dtype("u4").newbyteorder(dtype.byteorder))
            .tobytes()
        )
    return rng.integers(0, 2, count * dtype.itemsize, "u1").tobytes()


@dataclass
class Api:
    """The HTTP API, used with the key; without one (None), anonymously."""

    client: Client = field(default_factory=Client)
    key: str | None = "secret"

    def send(
        self,
        method: str,
        address: str,
        body: Any = b"",
        media_type: str = "application/json",
        **headers: str,
    ) -> HttpResponse:
        if self.key is not None:
            headers.setdefault("authorization", f"Apikey {self.key}")
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.generic(
            method, f"/api/v1{address}", data, content_type=media_type, headers=headers
        )

    def get(self, address: str, **headers: str) -> HttpResponse:
        return self.send("GET", address, **headers)

    def json(self, address: str) -> Any:
        response = self.get(address)
        assert response.status_code == 200, response.content
        return orjson.loads(response.content)

    def container(self, path: str) -> None:
        parent, _, key = path.rpartition("/")
        body = {"id": key, "structure_family": "container", "metadata": {}, "specs": []}
        assert self.send("POST", f"/metadata/{parent}", body).status_code == 200

    def create(self, path: str, family: str, structure: Any, **source: Any) -> HttpResponse:
        parent, _, key = path.rpartition("/")
        source = {"structure_family": family, "structure": structure.to_json(), **source}
        body = {"id": key, "structure_family": family, "data_sources": [source]}
        return self.send("POST", f"/metadata/{parent}", body)

    def array(self, path: str, array: np.ndarray[Any, Any], **structure: Any) -> None:
        described = ArrayStructure.from_array(array)
        assert self.create(path, "array", described).status_code == 200
        response = self.send("PUT", f"/array/full/{path}", array.tobytes(), OCTETS)
        assert response.status_code == 200, response.content

    def table(self, path: str, table: pa.Table, npartitions: int = 1) -> None:
        structure = TableStructure.from_schema(table.schema, npartitions=npartitions)
        assert self.create(path, "table", structure).status_code == 200

    def read(self, address: str, dtype: Any = None) -> np.ndarray[Any, Any]:
        response = self.get(address, accept=OCTETS)
        assert response.status_code == 200, response.content
        return np.frombuffer(response.content, dtype)

    def rows(self, address: str) -> pa.Table:
        response = self.get(address, accept=ARROW)
        assert response.status_code == 200, response.content
        return pa.ipc.open_file(pa.py_buffer(response.content)).read_all()


def ipc(table: pa.Table) -> bytes:
    """Return `table` as an Arrow IPC file."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def detail(response: HttpResponse) -> str:
    """Return the text of an error."""
    return str(orjson.loads(response.content)["detail"])


@pytest.fixture
def api(transactional_db: None) -> Api:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    return Api()


@pytest.fixture
def announced() -> Iterator[list[events.Event]]:
    """Record what the catalog announces during the test, in order."""
    heard: list[events.Event] = []

    def hear(event: events.Event, **_: Any) -> None:
        heard.append(event)

    signals = [
        events.array_written,
        events.ragged_written,
        events.awkward_written,
        events.table_written,
        events.data_source_updated,
        events.table_source_updated,
        events.child_created,
        events.child_metadata_updated,
        events.child_deleted,
        events.node_deleted,
        events.stream_closed,
    ]
    for signal in signals:
        signal.connect(hear)
    yield heard
    for signal in signals:
        signal.disconnect(hear)
