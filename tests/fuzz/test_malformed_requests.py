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
from tests.fuzz import catalog_fixture, malformed_requests
from tests.in_process_server import answer, content, header
from tests.servers import RunningServer

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))


@settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(malformed_requests.METHODS),
    st.sampled_from(sorted(NODE_VIEWS)),
    malformed_requests.paths,
    malformed_requests.queries,
    malformed_requests.bodies,
    malformed_requests.types,
    malformed_requests.fields,
)
def ask(
    method: str, name: str, path: str, query: str, body: bytes, kind: str, said: dict[str, str]
) -> None:
    catalog_fixture.build()
    before = catalog_fixture.read()
    headers = {**catalog_fixture.KEY, "content-type": kind, **said}
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
        assert catalog_fixture.read() == before


def _as_sent(text: str) -> str:
    """The bytes of `text`, each as the character of that number, as servers hand them on."""
    return text.encode().decode("latin-1")


def test_no_request_causes_an_internal_error(catalog: None) -> None:
    ask()


@pytest.mark.parametrize("site", ["server", "runserver"])
def test_bytes_that_are_no_request_harm_nobody(site: str, request: pytest.FixtureRequest) -> None:
    server: RunningServer = request.getfixturevalue(site)
    where = urlsplit(server.uri)
    told = len(server.log)
    for sent in [*malformed_requests.LINES, *malformed_requests.BROKEN_BODIES]:
        with socket.create_connection((where.hostname, where.port), timeout=10) as line:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            with line.makefile("rb") as reader:
                first = reader.readline()
        assert not first or int(first.split()[1]) < 500, sent
    assert requests.get(f"{server.uri}/healthz", timeout=10).json()["status"] == "ready"
    assert "Traceback" not in server.log[told:]
