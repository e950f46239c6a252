"""Tables of the messages of a stream: their keys, and one real message of each type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import awkward
import msgpack
import numpy as np
import pyarrow as pa

from streaming.protocol import message_codec
from streaming.sockets.messages import json_envelope
from streaming.sockets.messages.data_links import reference_uri
from tiled_client.wire import json_values, messages
from tiled_client.wire import reductions as wire_reductions
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import ZIP, awkward_buffers, ragged_body, zip_members
from tiled_client.wire.data_sources import Asset, DataSource
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

from .markdown import code, first_paragraph, table

EPOCH = "35af2db77ff45855"
TIMESTAMP = "2026-11-22T11:24:43.529302Z"
HOST = "http://localhost:8000"
OCTETS = "application/octet-stream"
ARROW = "application/vnd.apache.arrow.file"

EVERY_UPDATE = {
    "type": "the type of the update",
    "sequence": "the number of the update: from 1, increasing by one, within an epoch",
    "epoch": "the run of the numbering that the number belongs to; not in Tiled",
    "timestamp": "the time at which the update was numbered: ISO 8601, UTC, microseconds",
}
OF_PAYLOADS = {
    "payload": "the data: msgpack `bin`; for the JSON envelope see below",
    "content-type": "`application/json`, the format of `payload`; in the JSON envelope only",
}
KEYS = {
    "access_tags": "the child's access tags; `[]` or absent if it has none",
    "append": "whether the rows were appended; else they replace the former rows",
    "block": "the index of the chunk along each dimension if one chunk was written; else null",
    "data_source": "the data source after the change, with its assets",
    "data_sources": "one data source, or `[]` for a container. `assets` is `[]` for data that the "
    "server manages",
    "encoding": "[encoding](encodings.md) of `payload`, if it is compressed and the subscriber "
    "accepts that; else absent. Not in Tiled",
    "key": "the child's key",
    "length": "the number of items of the array",
    "metadata": "the complete metadata of the child",
    "mimetype": "the media type of the data",
    "offset": "the offset of a patch along each dimension; null if the write was not a patch",
    "partition": "the index of the partition, or null for the whole table",
    "patch": "`{offset, shape}` of the new part, or null: any part may have changed",
    "persisted": "`false` if the data was streamed without being stored; else absent. Not in Tiled",
    "revision_number": "the number of the revision with the former state; absent if it was dropped",
    "rows": "`{offset, count}`: the number of the first of these rows, and how many they are. Of "
    "`table-data` in the whole table when they were written, and absent for rows that are not "
    "stored (not in Tiled); of `table-ref` in the partition, or in the whole table if `partition` "
    "is null, and null if any rows may have changed",
    "shape": "the shape of the written part; in a reference, the shape of the whole array",
    "specs": "all specs of the child: `[{name, version}]`",
    "structure_family": "`container`, `array`, `table`, `sparse`, `ragged` or `awkward`",
}
ADDED_WHEN_SENT = {
    "uri": "the URL of the new data, under the subscriber's base URL: `array/full` with "
    "`slice`, `table/full` or `table/partition` with `rows`",
}

ARRAY = ArrayStructure.from_array(np.zeros(3, np.int64))
FRAMES = ArrayStructure.from_array(np.zeros((3, 2, 3), np.uint8))
SCHEMA = pa.schema([("time", pa.float64()), ("count", pa.int64())])
TABLE = TableStructure.from_schema(SCHEMA)
RAGGED = RaggedStructure(ARRAY.data_type, (2, None), 3, ((2,), None))
RECORDS = awkward.Array([{"x": 1, "y": [0.5]}])
AWKWARD = AwkwardStructure(1, awkward_buffers(RECORDS)[0])


def schemas() -> Iterator[str]:
    """Yield the first message of each kind of stream."""
    for structure in (None, ARRAY, TABLE, RAGGED, AWKWARD):
        yield from _example(
            {**messages.schema_message(structure), "epoch": EPOCH, "sequence": 1, "end": 0}
        )


def every_update() -> Iterator[str]:
    """Yield the keys of every update, and those of updates with a payload."""
    both = {**EVERY_UPDATE, **OF_PAYLOADS}
    yield from table(["key", "meaning"], [[code(key), text] for key, text in both.items()])


def updates() -> Iterator[str]:
    """Yield a section per type of update: its keys, and an example in the JSON envelope."""
    documented: set[str] = set()
    # A dataclass with slots is made twice; the module has the second.
    kinds = [kind for kind in vars(messages).values() if _is_update(kind)]
    for kind in kinds:
        yield f"### `{kind.type}`\n"
        yield f"{first_paragraph(kind)}\n"
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        documented.update(names)
        rows = [[code(name), KEYS[name]] for name in names]
        if kind in (messages.ArrayRef, messages.TableRef):
            rows += [[code(name), text] for name, text in ADDED_WHEN_SENT.items()]
        yield from table(["key", "meaning"], rows)
        yield ""
        yield from _example(_sent(*_EXAMPLES[kind]))
    if left := set(KEYS) - documented:
        raise ValueError(f"No message has the keys {left}.")


def reductions() -> Iterator[str]:
    """Yield the table of dtypes in the docstring of the module that reduces arrays."""
    text = wire_reductions.__doc__ or ""
    yield from (line for line in text.splitlines() if line.startswith("|"))


def json_payloads() -> Iterator[str]:
    """Yield the tables in the docstrings of the modules that make the JSON envelope."""
    text = (json_values.__doc__ or "") + (json_envelope.__doc__ or "")
    yield from (line for line in text.splitlines() if line.startswith("|"))


def _is_update(kind: object) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, messages.Message)
        and kind is not messages.Message
    )


def _example(message: dict[str, Any]) -> Iterator[str]:
    yield "```json"
    yield json.dumps(message)
    yield "```\n"


def _sent(message: messages.Message, structure: Structure | None, payload: bytes | None) -> Any:
    """Return a message in the JSON envelope, made by the server's own functions."""
    size = None if payload is None else len(payload)
    parts = message_codec.encode_split(message, TIMESTAMP, size)
    number = b"".join(map(msgpack.packb, (2, "epoch", EPOCH)))
    frame = parts.before + number + parts.after + (payload or b"")
    if message_codec.is_reference(frame):
        uri = reference_uri(HOST, ["images"], message_codec.decode(frame))
        frame = message_codec.add_key(frame, "uri", uri)
    return json.loads(json_envelope.to_json(frame, structure))


def _rows() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(pa.table({"time": [0.5], "count": [7]}, SCHEMA))
    return bytes(sink.getvalue())


def _registered() -> dict[str, Any]:
    asset = Asset("file://localhost/data/beamline/2.tiff", False, "data_uris", 2)
    mimetype = "multipart/related;type=image/tiff"
    family, management = StructureFamily.array, Management.external
    source = DataSource(family, FRAMES, mimetype, assets=[asset], management=management, id=1)
    return source.to_json()


def _registered_table() -> dict[str, Any]:
    asset = Asset("file://localhost/data/beamline/log.csv", False, "data_uris", 0)
    family, management = StructureFamily.table, Management.external
    source = DataSource(family, TABLE, "text/csv", assets=[asset], management=management, id=2)
    return source.to_json()


def _kept() -> dict[str, Any]:
    return DataSource(StructureFamily.array, ARRAY, "application/x-zarr", id=4).to_json()


_EXAMPLES: dict[type[messages.Message], tuple[messages.Message, Structure | None, bytes | None]] = {
    messages.ArrayData: (
        messages.ArrayData(OCTETS, (3,), offset=(3,)),
        ARRAY,
        np.array([4, 5, 6]).tobytes(),
    ),
    messages.ArrayRef: (
        messages.ArrayRef(_registered(), {"offset": (2, 0, 0), "shape": (1, 2, 3)}, (3, 2, 3)),
        FRAMES,
        None,
    ),
    messages.TableData: (
        messages.TableData(ARROW, 0, append=True, rows={"offset": 100, "count": 1}),
        TABLE,
        _rows(),
    ),
    messages.TableRef: (
        messages.TableRef(
            _registered_table(), None, append=True, rows={"offset": 100, "count": 20}
        ),
        TABLE,
        None,
    ),
    messages.RaggedData: (
        messages.RaggedData(ZIP, (1,), offset=(2,)),
        RAGGED,
        ragged_body(awkward.Array([[7, 8, 9]])),
    ),
    messages.AwkwardData: (
        messages.AwkwardData(ZIP, 1),
        AWKWARD,
        zip_members(awkward_buffers(RECORDS)[2]),
    ),
    messages.ChildCreated: (
        messages.ChildCreated("x", "array", [], {"sample": "A"}, [_kept()], []),
        None,
        None,
    ),
    messages.ChildMetadataUpdated: (
        messages.ChildMetadataUpdated("x", [], {"sample": "B"}, revision_number=1),
        None,
        None,
    ),
    messages.ChildDeleted: (messages.ChildDeleted("x", "array"), None, None),
}
