"""Messages in msgpack: their keys and values, in order."""

from __future__ import annotations

import msgpack
import pytest

from streaming.protocol import message_codec
from tiled_client.wire.messages import (
    ArrayData,
    ArrayRef,
    ChildCreated,
    ChildDeleted,
    ChildMetadataUpdated,
    Message,
    TableData,
    TableRef,
)


def whole(message: Message, payload: bytes | None = None) -> bytes:
    """Return the frame as the Lua script assembles it."""
    size = None if payload is None else len(payload)
    before, after = message_codec.encode_split(message, "now", size)
    number = msgpack.packb(7) + msgpack.packb("epoch") + msgpack.packb("e")
    return before + number + after + (payload or b"")


REFERENCE = ArrayRef({"id": 1}, {"offset": (2, 0), "shape": (1, 3)}, (3, 3))
ROWS = TableRef({"id": 1}, 0, append=True, rows={"offset": 2, "count": 3})


CHILD = ["key", "structure_family", "specs", "metadata", "data_sources", "access_tags"]
UPDATE = ["type", "sequence", "epoch", "timestamp"]


@pytest.mark.parametrize(
    ("message", "payload", "keys"),
    [
        (
            ArrayData("m", (2,)),
            b"",
            [*UPDATE, "mimetype", "shape", "offset", "block", "payload"],
        ),
        (
            TableData("m", 1, True),
            b"x" * 300,
            [*UPDATE, "mimetype", "partition", "append", "payload"],
        ),
        (
            ArrayData("m", (2,), persisted=False),
            b"",
            [*UPDATE, "mimetype", "shape", "offset", "block", "persisted", "payload"],
        ),
        (REFERENCE, None, [*UPDATE, "data_source", "patch", "shape"]),
        (ROWS, None, [*UPDATE, "data_source", "partition", "append", "rows"]),
        (ChildDeleted("k", "array"), None, [*UPDATE, "key", "structure_family"]),
        (
            ChildCreated("k", "array", [], {}, [], []),
            None,
            [*UPDATE, *CHILD],
        ),
        (
            ChildMetadataUpdated("k", [], {}, 3),
            None,
            ["type", "key", *UPDATE[1:], "specs", "metadata", "revision_number"],
        ),
        (
            ChildMetadataUpdated("k", [], {}),
            None,
            ["type", "key", *UPDATE[1:], "specs", "metadata"],
        ),
    ],
)
def test_the_keys_of_a_message_have_the_order_of_the_protocol(
    message: Message, payload: bytes | None, keys: list[str]
) -> None:
    decoded = message_codec.decode(whole(message, payload))
    assert list(decoded) == keys
    assert (decoded["type"], decoded["sequence"]) == (message.type, 7)
    assert decoded.get("payload") == payload


@pytest.mark.parametrize("size", [0, 255, 256, 65535, 65536])
def test_a_payload_of_any_size_round_trips(size: int) -> None:
    payload = b"\xff" * size
    assert message_codec.decode(whole(ArrayData("m", (size,)), payload))["payload"] == payload


def test_only_references_get_a_url() -> None:
    frame = whole(REFERENCE)
    assert message_codec.is_reference(frame)
    assert message_codec.is_reference(whole(ROWS))
    assert not message_codec.is_reference(whole(ArrayData("array-ref", (1,)), b"array-ref"))
    assert message_codec.decode(message_codec.add_key(frame, "uri", "u")) == {
        **message_codec.decode(frame),
        "uri": "u",
    }


def test_metadata_that_msgpack_cannot_represent_is_sent_as_closely_as_possible() -> None:
    message = ChildMetadataUpdated("k", [], {"large": 2**70, "small": -1, "half": "\ud800"})
    assert message_codec.decode(whole(message))["metadata"] == {
        "large": float(2**70),
        "small": -1,
        "half": "?",
    }
