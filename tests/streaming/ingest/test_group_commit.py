"""Frames that wait for a node are stored together, as they would be one after another."""

from __future__ import annotations

from typing import Any
from unittest import mock

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from access.principals import SERVICE_KEY_PRINCIPAL
from catalog.models import Node
from catalog.services.arrays import dense
from catalog.services.arrays.dense import Array
from catalog.services.nodes.create import create_node
from catalog.services.nodes.drafts import Draft
from catalog.services.tables.reading import read_column
from streaming.ingest.opened_nodes import OpenedNode, ReceivedFrame
from streaming.ingest.writing import write_frames
from streaming.models import Waiting
from tests.streaming.websocket_client import arrow_file
from tiled_client.wire.ingest import FrameHeader, FrameOperation
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

pytestmark = pytest.mark.django_db(transaction=True)


def made(structure: Any, family: str) -> OpenedNode:
    """Create a node, opened for a producer."""
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    source = {"structure_family": family, "structure": structure.to_json()}
    draft = Draft.from_json({"structure_family": family, "data_sources": [source]})
    node = create_node(parent_path="", draft=draft)
    found = StructureFamily(family)
    return OpenedNode(
        node.path, node.uuid, found, node.structure, SERVICE_KEY_PRINCIPAL, "producer-1"
    )


def frame(sequence: int, payload: bytes, op: str, **fields: Any) -> ReceivedFrame:
    header = FrameHeader(FrameOperation(op), 1, sequence, **fields)
    return ReceivedFrame(header, memoryview(payload), len(payload))


def found(opened: OpenedNode) -> Node:
    return Node.objects.select_related("data_source").get(uuid=opened.uuid)


# Operations on an array of two columns: a name, and a row.
OPERATIONS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3)),
    st.tuples(st.just("patch"), st.integers(0, 6)),
    st.tuples(st.just("extend"), st.integers(0, 6)),
    st.tuples(st.just("corner"), st.integers(0, 6)),
    st.tuples(st.just("write"), st.just(0)),
    st.tuples(st.just("short"), st.just(0)),
)


def operation(sequence: int, name: str, row: int, expected: Array) -> tuple[ReceivedFrame, Array]:
    """Return a frame, and what the array is after it."""
    after = expected.copy()
    match name:
        case "append":
            rows = np.full((row, 2), sequence)
            return frame(sequence, rows.tobytes(), "append"), np.concatenate([after, rows])
        case "write":
            after[:] = sequence
            return frame(sequence, after.tobytes(), "write"), after
        case "short":
            return frame(sequence, b"123", "append" if sequence % 2 else "write"), after
    width = 1 if name == "corner" else 2
    rows = np.full((1, width), sequence)
    if name != "patch":
        after = np.concatenate([after, np.zeros((max(row + 1 - len(after), 0), 2), int)])
    if row < len(after):
        after[row, :width] = sequence
    fields: dict[str, Any] = {"offset": (row, 0), "shape": (1, width), "extend": name != "patch"}
    if name == "corner":
        fields["resize"] = True
    return frame(sequence, rows.tobytes(), "patch", **fields), after


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(OPERATIONS, min_size=1, max_size=12),
    cuts=st.sets(st.integers(1, 11), max_size=2),
    chunk=st.sampled_from([1, 2, 5]),
)
def test_an_array_is_as_if_each_frame_had_been_written_by_itself(
    db: None, steps: list[tuple[str, int]], cuts: set[int], chunk: int
) -> None:
    expected = np.zeros((chunk, 2), int)
    opened = made(ArrayStructure.from_array(expected), "array")
    frames = []
    for sequence, (name, row) in enumerate(steps, 1):
        one, expected = operation(sequence, name, row, expected)
        frames.append(one)
    begin = 0
    for end in (*sorted(cuts), len(frames)):
        if frames[begin:end]:
            outcome = write_frames(opened, frames[begin:end])
            assert (outcome.applied, outcome.stopped) == (
                frames[begin:end][-1].header.sequence,
                False,
            )
            begin = end
    assert dense.read_array(found(opened), ()).tolist() == expected.tolist()


def test_rows_of_a_table_are_stored_together_without_those_that_do_not_fit() -> None:
    schema = pa.schema([("n", pa.int64())])
    opened = made(TableStructure.from_schema(schema), "table")
    bodies = [arrow_file(pa.table({"n": [n]}, schema=schema)) for n in range(5)]
    bodies[2] = arrow_file(pa.table({"other": ["x"]}))
    frames = [frame(n + 1, body, "append") for n, body in enumerate(bodies)]
    outcome = write_frames(opened, frames)
    assert [(failed.sequence, failed.failure.status) for failed in outcome.failed] == [(3, 422)]
    assert read_column(found(opened), "n").tolist() == [0, 1, 3, 4]


def test_frames_that_cannot_be_committed_together_are_committed_one_by_one() -> None:
    opened = made(ArrayStructure.from_array(np.zeros((1, 2), int)), "array")
    frames = [frame(n, np.full((1, 2), n).tobytes(), "append") for n in (1, 2, 3)]
    # Another connection of the producer has stored the first of them meanwhile.
    write_frames(opened, frames[:1])
    opened.applied = 0
    with mock.patch("streaming.ingest.together.stored_sequence", side_effect=[0, 1, 1, 1]):
        outcome = write_frames(opened, frames)
    assert (outcome.applied, outcome.failed) == (3, [])
    assert dense.read_array(found(opened), ())[:, 0].tolist() == [0, 1, 2, 3]
    assert Waiting.objects.filter(node=opened.uuid, in_flight=False).count() == 0
