"""Create nodes whose keys are taken: `if_exists`, with this project's server and with Tiled's."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.client.test_against_tiled import Heard
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayStructure,
    Asset,
    Conflict,
    Container,
    DataSource,
    Invalid,
    Management,
    NodeDeleted,
    NodeExists,
    NodeReplaced,
    StructureFamily,
    from_uri,
)
from tools.backends.tiled_reference import TiledServer


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container of the test's own."""
    made: Container = from_uri(server.uri, API_KEY).create_container(f"t{secrets.token_hex(6)}")
    return made


def write_all_kinds(client: Container, if_exists: Any) -> list[Any]:
    """Return a node of each kind, made or opened."""
    return [
        client.create_container("c", if_exists=if_exists),
        client.write_array(np.arange(3), key="x", if_exists=if_exists),
        client.write_table({"a": [1, 2]}, key="t", if_exists=if_exists),
        client.create_appendable_table({"a": "i8"}, key="p", if_exists=if_exists),
        client.write_sparse(
            np.array([[0], [1]]), np.array([1.5]), (3, 4), key="s", if_exists=if_exists
        ),
        client.write_ragged([[1.5], [], [2.5, 3.5]], key="r", if_exists=if_exists),
        client.write_awkward([{"a": [1]}, {"a": []}], key="w", if_exists=if_exists),
    ]


def test_every_kind_of_node_can_be_opened_or_replaced_where_it_exists(client: Container) -> None:
    first = write_all_kinds(client, "error")
    opened = write_all_kinds(client, "open")
    assert opened == first
    assert [node._resource.node_id for node in opened] == [n._resource.node_id for n in first]
    replaced = write_all_kinds(client, "replace")
    assert replaced == first
    assert not {n._resource.node_id for n in replaced} & {n._resource.node_id for n in first}
    assert len(client) == len(first)
    with pytest.raises(NodeExists, match="already exists in"):
        write_all_kinds(client, "error")


def test_a_node_is_opened_only_if_the_data_fit(client: Container) -> None:
    x = client.write_array(np.arange(3), key="x", metadata={"a": 1})
    with pytest.raises(NodeExists, match=r"differs: shape \(3,\), not \(4,\)"):
        client.write_array(np.arange(4), key="x", if_exists="open")
    with pytest.raises(NodeExists, match="dtype int64, not float64"):
        client.write_array(np.arange(3.0), key="x", if_exists="open")
    with pytest.raises(NodeExists, match="family array, not table"):
        client.write_table({"a": [1]}, key="x", if_exists="open")
    with pytest.raises(ValueError, match="if_exists must be"):
        client.write_array(np.arange(3), key="x", if_exists="overwrite")  # type: ignore[typeddict-item]
    assert x.read().tolist() == [0, 1, 2]
    with pytest.warns(UserWarning, match="keeps its own metadata") as caught:
        again = client.write_array(np.arange(3) + 5, key="x", metadata={"a": 2}, if_exists="open")
    assert caught[0].filename == __file__
    assert (again.read().tolist(), again.metadata) == ([5, 6, 7], {"a": 1})


def test_the_producer_of_a_replaced_node_does_not_write_into_the_new_one(
    client: Container,
) -> None:
    old = client.write_array(np.arange(3), key="x", metadata={"a": 1})
    heard, new_children = Heard(), Heard()
    sub = old.subscribe()
    sub.new_data.add_callback(heard)
    children = client.subscribe()
    children.child_deleted.add_callback(new_children)
    children.child_created.add_callback(new_children)
    children.start_in_thread()
    sub.start_in_thread(0)
    new = client.write_array(np.zeros(6), key="x", metadata={"b": 2}, if_exists="replace")
    with pytest.raises(NodeDeleted):
        sub.wait(20)
    assert [update.data().tolist() for update in heard] == [[0, 1, 2]]
    assert [type(update).__name__ for update in new_children.wait(2)] == [
        "ChildDeleted",
        "ChildCreated",
    ]
    children.disconnect()
    for write in (
        lambda: old.patch(np.arange(2), offset=6, extend=True),
        lambda: old.write(np.arange(3)),
        lambda: old.write(np.arange(3), persist=False),
        old.close_stream,
        lambda: old.update_metadata({"a": 3}),
        lambda: old.delete(external_only=False),
        old.refresh,
    ):
        with pytest.raises(NodeReplaced):
            write()
    assert (new.read().tolist(), client["x"].metadata) == ([0.0] * 6, {"b": 2})
    new.close_stream()
    assert [update.sequence for update in new.updates(start=0)] == [1]


def test_no_write_that_is_acknowledged_while_a_node_is_replaced_is_in_the_new_one(
    client: Container,
) -> None:
    old = client.write_array(np.full(4, 1), key="x")
    stopped = threading.Event()
    errors: list[Exception] = []

    def produce() -> None:
        while not stopped.is_set():
            try:
                old.write(np.full(4, 1))
            except Exception as error:  # noqa: BLE001 - the test looks at it
                errors.append(error)
                return

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        new = client.write_array(np.full(4, 2), key="x", if_exists="replace")
        producer.join(20)
    finally:
        stopped.set()
        producer.join(20)
    assert [type(error) for error in errors] == [NodeReplaced]
    assert new.read().tolist() == [2] * 4
    new.close_stream()
    assert [update.data().tolist() for update in new.updates(start=0)] == [[2] * 4]


def test_what_cannot_be_replaced_stays(client: Container) -> None:
    client.create_container("c").create_container("d")
    with pytest.raises(Conflict, match="has children"):
        client.create_container("c", if_exists="replace")
    assert list(client["c"]) == ["d"]
    x = client.write_array(np.arange(3), key="x")
    with pytest.raises(Invalid):
        client.new(StructureFamily.array, [], key="x", if_exists="replace")
    assert client["x"].read().tolist() == [0, 1, 2]
    x.write(np.arange(3) * 2)


def stack(file: Path) -> DataSource:
    return DataSource(
        StructureFamily.array,
        ArrayStructure.from_array(np.zeros((2, 3), "u1")),
        mimetype="multipart/related;type=image/tiff",
        assets=[Asset(f"file://localhost{file}", False, parameter="data_uris", num=0)],
        management=Management.external,
    )


def test_files_that_are_registered_again_must_be_the_same(
    client: Container, readable: Path
) -> None:
    a, b = readable / "a.tiff", readable / "b.tiff"
    first = client.new(StructureFamily.array, [stack(a)], key="f")
    again = client.new(StructureFamily.array, [stack(a)], key="f", if_exists="open")
    assert first == again
    with pytest.raises(NodeExists, match=r"files .*a.tiff.*, not .*b.tiff"):
        client.new(StructureFamily.array, [stack(b)], key="f", if_exists="open")
    replaced = client.new(StructureFamily.array, [stack(b)], key="f", if_exists="replace")
    (source,) = replaced.data_sources()
    assert source.assets[0].data_uri.endswith("b.tiff")


def test_files_that_the_server_inspects_can_be_registered_again(
    client: Container, readable: Path
) -> None:
    folder = readable / client.key
    folder.mkdir()
    for number in range(3):
        tifffile.imwrite(folder / f"img_{number}.tif", np.full((2, 3), number, "u1"))
    first = client.register(folder / "img_*.tif")
    again = client.register(folder / "img_*.tif", if_exists="open")
    assert (again, again.shape) == (first, (3, 2, 3))
    with pytest.raises(NodeExists, match="other files"):
        client.register(folder / "img_1.tif", key="img", if_exists="open")
    with pytest.raises(NodeExists, match="already exists in"):
        client.register(folder / "img_*.tif")
    tifffile.imwrite(folder / "img_3.tif", np.full((2, 3), 3, "u1"))
    assert client.register(folder / "img_*.tif", if_exists="replace").shape == (4, 2, 3)
    with pytest.raises(NodeReplaced):
        first.refresh()


def test_tiled_does_the_same_in_two_steps(tiled_reference: TiledServer) -> None:
    root = from_uri(tiled_reference.uri, tiled_reference.api_key)
    client = root.create_container(f"t{secrets.token_hex(6)}")
    client.write_array(np.arange(3), key="x", metadata={"a": 1})
    with pytest.raises(NodeExists, match="A node 'x' already exists in"):
        client.write_array(np.arange(3), key="x")
    opened = client.write_array(np.arange(3) + 5, key="x", if_exists="open")
    assert opened.read().tolist() == [5, 6, 7]
    with pytest.raises(NodeExists, match="shape"):
        client.write_array(np.arange(4), key="x", if_exists="open")
    replaced = client.write_array(np.zeros(4), key="x", metadata={"b": 2}, if_exists="replace")
    assert (replaced.read().tolist(), client["x"].metadata) == ([0.0] * 4, {"b": 2})
    client.create_container("c").create_container("d")
    with pytest.raises(Conflict, match="not empty"):
        client.create_container("c", if_exists="replace")
