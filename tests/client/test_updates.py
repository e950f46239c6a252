"""What messages become, without a connection."""

from __future__ import annotations

from datetime import UTC
from types import SimpleNamespace
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.client.fake_servers import update
from tiled_client import ArrayStructure, ArrayUpdate, ChildCreated, InvalidResponse, TableUpdate
from tiled_client import tables as frames
from tiled_client.stream.protocol.event_origin import EventOrigin, UpdateContext
from tiled_client.stream.protocol.messages import decode_frame, parse_envelope, parse_schema
from tiled_client.stream.updates import parse_update
from tiled_client.wire.dtypes import dtype_from_numpy

INT = {
    "type": "array-schema",
    "version": 1,
    "data_type": dtype_from_numpy(np.dtype("<i8")).to_json(),
}
# The wire has no place for numpy's titles, second names of fields.
structs = npst.array_dtypes(max_size=3).filter(
    lambda dtype: all(len(field) == 2 for field in (dtype.fields or {}).values())
)
dtypes = npst.scalar_dtypes() | npst.unicode_string_dtypes() | structs


def parse(message: dict[str, Any], schema: dict[str, Any], structure: Any = None) -> Any:
    node = SimpleNamespace(structure=structure)
    origin = EventOrigin(None, ("x",), node)  # type: ignore[arg-type]
    received = decode_frame(msgpack.packb(message))
    return parse_update(
        received,
        parse_envelope(received),
        parse_schema(schema),
        UpdateContext(origin),
    )


@given(npst.arrays(dtypes, npst.array_shapes(min_dims=0, min_side=0)))
def test_every_array_the_wire_can_say_arrives_as_it_was(array: np.ndarray[Any, Any]) -> None:
    data_type = dtype_from_numpy(array.dtype).to_json()
    message = {**update(1), "shape": array.shape, "payload": array.tobytes()}
    received = parse(message, {**INT, "data_type": data_type})
    assert received.data().dtype == array.dtype
    assert received.data().tobytes() == array.tobytes()
    assert received.offset == (0,) * array.ndim


def test_a_write_of_nothing_comes_without_a_payload() -> None:
    message = {**update(1), "shape": [0, 3]}
    del message["payload"]
    assert parse(message, INT).data().shape == (0, 3)


def test_a_patch_says_where_it_begins_along_every_dimension() -> None:
    message = {**update(1), "shape": [1, 2], "offset": [3]}
    assert parse(message, INT).offset == (3, 0)


def test_a_block_says_where_it_begins_if_the_chunks_are_known() -> None:
    structure = ArrayStructure(dtype_from_numpy(np.dtype("<i8")), (5,), ((2, 2, 1),))
    message = {**update(1), "shape": [2], "block": [1]}
    received = parse(message, INT, structure)
    assert (received.block, received.offset) == ((1,), (2,))
    assert parse(message, INT).offset is None


def test_a_time_without_a_zone_is_taken_for_local_and_one_with_a_zone_is_kept() -> None:
    assert parse({**update(1), "timestamp": "2026-11-22T12:00:00.5"}, INT).timestamp.tzinfo
    received = parse({**update(1), "timestamp": "2026-11-22T12:00:00Z"}, INT)
    assert received.timestamp.utcoffset() == UTC.utcoffset(None)


def test_a_payload_of_the_wrong_length_is_said_to_be_so() -> None:
    with pytest.raises(InvalidResponse, match="has 3 bytes"):
        parse({**update(1), "payload": b"abc"}, INT).data()


@given(st.sampled_from(["mimetype", "shape", "sequence", "timestamp"]))
def test_an_update_that_lacks_something_is_unreadable(key: str) -> None:
    message = update(1)
    del message[key]
    with pytest.raises(InvalidResponse):
        parse(message, INT)


@pytest.mark.parametrize("frame", [b"\xc1", b"", b"\x01", "{", "[]", '{"no": "type"}'])
def test_a_frame_that_is_no_message_is_unreadable(frame: bytes | str) -> None:
    with pytest.raises(InvalidResponse):
        decode_frame(frame)


def test_text_frames_are_read_as_well() -> None:
    assert decode_frame('{"type": "container-schema"}') == {"type": "container-schema"}


def test_rows_arrive_as_a_frame() -> None:
    rows = frames.to_arrow({"a": [1, 2], "b": ["x", "y"]})
    message = {
        **update(4),
        "type": "table-data",
        "mimetype": frames.ARROW,
        "partition": 0,
        "append": True,
        "payload": bytes(frames.encode(rows)),
    }
    schema = {"type": "table-schema", "version": 1, "arrow_schema": "..."}
    received = parse({**message, "rows": {"offset": 5, "count": 2}}, schema)
    assert isinstance(received, TableUpdate)
    assert (received.partition, received.append) == (0, True)
    assert (received.offset, received.count) == (5, 2)
    of_tiled = parse(message, schema)
    assert isinstance(of_tiled, TableUpdate)
    assert (of_tiled.offset, of_tiled.count) == (None, None)
    assert received.data().to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_a_new_child_is_described_even_by_a_server_that_says_more_than_is_known_here() -> None:
    structure = ArrayStructure.from_array(np.zeros(3))
    asset = {"data_uri": "file://localhost/x", "is_directory": False, "colour": "blue"}
    source = {
        "structure_family": "array",
        "structure": structure.to_json(),
        "assets": [asset],
        "mood": "good",
    }
    message = {
        **update(1),
        "type": "container-child-created",
        "key": "x",
        "structure_family": "array",
        "specs": [{"name": "s", "version": None}],
        "metadata": {"a": 1},
        "data_sources": [source],
        "access_tags": [],
    }
    received = parse(message, {"type": "container-schema", "version": 1})
    assert isinstance(received, ChildCreated)
    assert received.data_sources[0].structure == structure


def test_an_update_of_a_type_not_known_here_is_none() -> None:
    assert parse({**update(1), "type": "weather"}, INT) is None


def test_updates_show_what_matters_and_not_their_payload() -> None:
    received = parse(update(1), INT)
    assert isinstance(received, ArrayUpdate)
    assert "payload" not in repr(received)
