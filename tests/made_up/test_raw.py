"""Requests that no description would lead to: bytes in the wrong place, and too few or too many."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import orjson
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.api.urls import NODE_VIEWS
from tests.in_process import answer, content, header
from tests.made_up import nonsense, world
from tests.servers import RunningServer

EXAMPLES = int(os.environ.get("MADE_UP", "60"))


@settings(
    max_examples=EXAMPLES,
    derandomize="MADE_UP" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(nonsense.METHODS),
    st.sampled_from(sorted(NODE_VIEWS)),
    nonsense.paths,
    nonsense.queries,
    nonsense.bodies,
    nonsense.types,
    nonsense.fields,
)
def ask(
    method: str, name: str, path: str, query: str, body: bytes, kind: str, said: dict[str, str]
) -> None:
    world.build()
    before = world.read()
    headers = {**world.KEY, "content-type": kind, **said}
    got = answer(
        method,
        _as_sent(f"/api/v1/{name}/{path}?{query}"),
        body,
        {field: _as_sent(value) for field, value in headers.items()},
    )
    assert got.status < 500, content(got)
    assert header(got, "X-Tiled-Request-ID")
    if got.status >= 400:
        assert isinstance(orjson.loads(content(got))["detail"], str)
        assert header(got, "Content-Type") == "application/json"
        assert world.read() == before


def _as_sent(text: str) -> str:
    """The bytes of `text`, each as the character of that number, as servers hand them on."""
    return text.encode().decode("latin-1")


def test_nothing_that_is_asked_breaks_the_server(catalog: None) -> None:
    ask()


@pytest.mark.parametrize("site", ["server", "runserver"])
def test_bytes_that_are_no_request_harm_nobody(site: str, request: pytest.FixtureRequest) -> None:
    server: RunningServer = request.getfixturevalue(site)
    where = urlsplit(server.uri)
    told = len(server.log)
    for sent in [*nonsense.LINES, *nonsense.BROKEN_BODIES]:
        with socket.create_connection((where.hostname, where.port), timeout=10) as line:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            with line.makefile("rb") as reader:
                first = reader.readline()
        assert not first or int(first.split()[1]) < 500, sent
    assert requests.get(f"{server.uri}/healthz", timeout=10).json() == {"status": "ready"}
    assert "Traceback" not in server.log[told:]
