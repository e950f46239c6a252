"""How objects are shown as text, and what completion offers."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter

from tests.client.cuttable_proxy import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import AsyncClient, Container, HttpOptions, from_uri, tree
from tiled_client.auth.credentials import KeyCredentials
from tiled_client.nodes.display.texts import listed, summary_text
from tiled_client.profiles.parsing import parse_profiles
from tiled_client.public_surface import BETWEEN_PARTS
from tiled_client.queries import Key


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container with an array, a table and a container."""
    made: Container = from_uri(server.uri, api_key=API_KEY).create_container()
    made.write_array(np.arange(3), key="x")
    made.write_table({"time": [0.5, 1.5], "flow rate": [1, 2]}, key="log")
    made.create_container("scans", metadata={"color": "red"})
    return made


@pytest.fixture
def line(server: RunningServer) -> Iterator[Line]:
    """A connection to the server that can break."""
    with Line(server.uri) as line:
        yield line


def test_nodes_have_path_and_content(client: Container) -> None:
    at = f"/{client.key}"
    assert repr(client) == f"<Container '{at}' {{'x', 'log', 'scans'}} 3 entries>"
    assert repr(client["scans"]) == f"<Container '{at}/scans' {{}} 0 entries>"
    red = client.search(Key("color") == "red")
    assert repr(red) == f"<Container '{at}' {{'scans'}} 1 result>"
    expected = f"<TableClient '{at}/log' ['time', 'flow rate'] rows=2 npartitions=1>"
    assert repr(client["log"]) == expected
    assert repr(client.keys()) == f"<Keys of '{at}' ['x', 'log', 'scans'] 3 entries>"
    assert repr(client.values()).startswith(f"<Values of '{at}' ['x', ")
    assert repr(client["x"].metadata_revisions) == f"<MetadataRevisions '{at}/x'>"


def test_a_representation_is_short_however_many_and_long_the_keys_are() -> None:
    keys = [f"{'k' * n}" for n in range(1, 400, 20)]
    assert len(listed(keys, 10_000)) < 150
    assert listed(["a\n<b>"], 1) == r"['a\n<b>']"
    assert listed(["k" * 1000], 2) == f"['{'k' * 37}...', ...]"


def test_nodes_of_asyncio_are_shown_without_a_request(client: Container) -> None:
    async def show() -> list[str]:
        async with AsyncClient(client.uri, API_KEY) as node:
            return [repr(node), repr(node.keys()), repr(await node["log"])]

    at = f"/{client.key}"
    assert asyncio.run(show()) == [
        f"<AsyncContainer '{at}'>",
        f"<AsyncKeys of '{at}'>",
        f"<AsyncTableClient '{at}/log' ['time', 'flow rate'] npartitions=1>",
    ]


def test_a_subscription_has_its_state_and_the_last_sequence_number(client: Container) -> None:
    x = client["x"]
    at = f"'/{client.key}/x'"
    subscription = x.subscribe()
    assert repr(subscription) == f"<DataSubscription {at} new>"
    with subscription.updates(0) as updates:
        next(updates)
        assert repr(updates) == f"<Updates of <DataSubscription {at} live sequence=1>>"
    assert repr(subscription) == f"<DataSubscription {at} closed sequence=1>"


def test_a_node_of_a_listing_is_subscribed_to_like_any_other(client: Container) -> None:
    (x,) = (node for node in client.values() if node.key == "x")
    with x.updates(0) as updates:
        assert next(updates).data().tolist() == [0, 1, 2]


def test_a_server_that_is_away_is_part_of_the_text(client: Container, line: Line) -> None:
    far = from_uri(client.uri.replace(client.api_root, f"{line.uri}/api/v1"), api_key=API_KEY)
    line.is_down = True
    line.cut()
    begun = time.monotonic()
    assert f"<Container '/{client.key}' (entries unknown: " in repr(far)
    assert time.monotonic() - begun < 2, "nothing is retried"
    assert "entries unknown" in repr(far.items())
    # A login that has ended.
    near = from_uri(client.uri, api_key=API_KEY)
    log = near["log"]
    near.requests.credentials = KeyCredentials("wrong")
    assert "(entries unknown: " in repr(near)
    assert "rows=? (" in repr(log)


def test_a_server_that_does_not_respond_is_not_waited_for_long(client: Container) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client.requests.root = f"http://127.0.0.1:{silent.getsockname()[1]}/api/v1"
        begun = time.monotonic()
        assert "entries unknown: " in repr(client)
        assert time.monotonic() - begun < 5


def test_no_text_has_an_api_key(client: Container, tmp_path: Path) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text("a: {uri: 'http://localhost', api_key: hidden, headers: {X: hidden}}")
    options = HttpOptions(headers={"Authorization": "hidden"})
    shown = [*parse_profiles(file), options, KeyCredentials("hidden"), client.credentials]
    assert not any("hidden" in repr(each) or API_KEY in repr(each) for each in shown)


def test_a_child_of_any_name_does_not_stand_for_an_attribute(client: Container) -> None:
    run = client.create_container("run", specs="BlueskyRun", metadata={"start": {"uid": "a"}})
    run.write_array(np.zeros(2), key="structure")
    run.write_array(np.zeros(2), key="dtype")
    (listed_run,) = (node for node in client.values() if node.key == "run")
    assert summary_text(listed_run) == "container running"
    assert "2 entries" in listed_run._repr_html_()


def test_a_tree_is_printed(client: Container, capsys: pytest.CaptureFixture[str]) -> None:
    client["scans"].write_array(np.zeros((2, 3)), key="a\nb")
    tree(client)
    expected = [
        f"/{client.key}",
        "├── x  array 3 int64",
        "├── log  table 2 columns",
        "└── scans  container",
        "    └── 'a\\nb'  array 2 x 3 float64",
    ]
    assert capsys.readouterr().out.splitlines() == expected
    client.tree(depth=1, limit=2)
    assert capsys.readouterr().out.splitlines() == [*expected[:3], "└── ... 1 more"]


def test_completion_offers_the_public_surface_keys_and_columns(client: Container) -> None:
    # Without a shell, which would make the process an interactive one.
    names = {"client": client, "log": client["log"], "sub": client["x"].subscribe()}
    completer = IPCompleter(namespace=names)

    def completions(text: str) -> set[str]:
        with provisionalcompleter():
            found = list(completer.completions(text, len(text)))
        return {each.text.strip(".'\"]") for each in found}

    assert {"log", "scans"} <= completions("client['")
    assert {"time", "flow rate"} <= completions("log['")
    offered = completions("client.")
    assert {"tree", "write_array", "subscribe"} <= offered
    assert "time" in completions("log.")
    assert not (offered | completions("log.") | completions("sub.")) & BETWEEN_PARTS
    assert not {name for name in dir(client) if name.startswith("_") and name[1] != "_"}
