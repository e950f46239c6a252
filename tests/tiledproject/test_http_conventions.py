"""What every answer has, and what is said where no view answers."""

from __future__ import annotations

import logging
import re
import uuid
from email.utils import parsedate_to_datetime

import orjson
import pytest
import requests
from django.test import override_settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from catalog.api.about import AboutView
from tests.conftest import API_KEY
from tests.in_process_server import answer, content, header
from tiledproject.http import client_versions, request_ids

KEY = {"authorization": "Apikey secret"}
ID = re.compile(r"[0-9a-f]{16}")
TIMING = re.compile(r"\w+;dur=\d+\.\d(, \w+;dur=\d+\.\d)*")


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/v1/", 200),
        ("GET", "/api/v1/metadata/", 200),
        ("GET", "/api/v1/metadata/no/such", 404),
        ("GET", "/api/v1/metadata/%ff%00%zz", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/metadata", 307),
        ("HEAD", "/api/v1/metadata/", 405),
        ("TRACE", "/api/v1/", 405),
        ("POST", "/healthz", 405),
        ("HEAD", "/", 405),
        ("POST", "/readyz", 405),
        ("GET", "/healthz", 200),
        ("GET", "/admin/login/", 200),
    ],
)
@pytest.mark.django_db
def test_every_answer_has_a_name_and_its_durations_unless_it_is_a_refusal(
    method: str, target: str, status: int
) -> None:
    got = answer(method, target, headers=KEY)
    assert got.status == status
    assert ID.fullmatch(header(got, "X-Tiled-Request-ID") or "")
    timing = header(got, "Server-Timing")
    if status < 400:
        assert TIMING.fullmatch(timing or "")
    else:
        # It would say whether there is something that may not be seen.
        assert timing is None
        assert header(got, "Content-Type") == "application/json"
        assert isinstance(orjson.loads(content(got))["detail"], str)


@pytest.mark.django_db
def test_the_phases_of_a_request_are_listed_in_server_timing() -> None:
    told = header(answer("GET", "/api/v1/metadata/", headers=KEY), "Server-Timing") or ""
    assert [part.partition(";")[0] for part in told.split(", ")] == ["read", "pack", "tok", "app"]


@pytest.mark.parametrize(
    ("brought", "taken"),
    [
        (str(uuid.UUID(int=0, version=4)), True),
        (uuid.UUID(int=7, version=4).hex, True),
        (str(uuid.UUID(int=7, version=1)), False),
        ("0123456789abcdef", False),
        (f"{uuid.UUID(int=7, version=4)} ", False),
    ],
)
def test_a_request_keeps_the_name_that_it_brings_only_if_that_is_a_random_uuid(
    brought: str, taken: bool
) -> None:
    got = header(
        answer("GET", "/api/v1/", headers={"x-tiled-request-id": brought}), "x-tiled-request-id"
    )
    assert (got == brought) is taken


@pytest.mark.parametrize("debug", [False, True])
def test_an_internal_error_is_logged_with_its_stack_under_the_request_id_of_the_response(
    debug: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(AboutView, "get", lambda *_: 1 / 0)
    caplog.handler.addFilter(request_ids.RequestIdLogFilter())
    with override_settings(DEBUG=debug), caplog.at_level(logging.ERROR):
        got = answer("GET", "/api/v1/")
    assert got.status == 500
    assert header(got, "Server-Timing") is None
    assert header(got, "Content-Type") == "application/json"
    detail = orjson.loads(content(got))["detail"]
    assert ("ZeroDivisionError" in detail) is debug
    record = next(one for one in caplog.records if one.exc_info)
    assert record.request_name == f" [{header(got, 'X-Tiled-Request-ID')}]"  # type: ignore[attr-defined]


@pytest.mark.parametrize("debug", [False, True])
def test_a_strange_host_is_refused_in_json(debug: bool) -> None:
    with override_settings(DEBUG=debug, ALLOWED_HOSTS=["localhost"]):
        got = answer("GET", "/api/v1/", headers={"host": "else.where"})
    assert got.status == 400
    assert "server.allowed_hosts" in orjson.loads(content(got))["detail"]


@pytest.mark.parametrize("version", ["0.1.0a103", "0.0.1"])
def test_an_outdated_client_is_rejected_with_the_reason(version: str) -> None:
    got = answer("GET", "/api/v1/", headers={"user-agent": f"python-tiled/{version}"})
    assert got.status == 400
    assert f"is version {version}" in orjson.loads(content(got))["detail"]


@pytest.mark.parametrize("agent", ["python-tiled/0.2.20", "python-tiled/unknown", "curl/8", ""])
def test_other_clients_are_accepted(agent: str) -> None:
    assert client_versions.rejection_message(agent) is None


@pytest.mark.parametrize("site", ["server", "runserver"])
def test_sockets_have_names_too(site: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(site).uri.replace("http", "ws")
    name = str(uuid.uuid4())
    headers = {"Authorization": f"Apikey {API_KEY}", request_ids.HEADER: name}
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{address}/api/v1/stream/single/no/such", additional_headers=headers)
    assert refused.value.response.headers[request_ids.HEADER] == name
    with connect(f"{address}/api/v1/stream/single/", additional_headers=headers) as line:
        assert line.response is not None
        assert line.response.headers[request_ids.HEADER] == name


@pytest.mark.parametrize("site", ["server", "runserver"])
def test_responses_have_a_date(site: str, request: pytest.FixtureRequest) -> None:
    answered = requests.get(f"{request.getfixturevalue(site).uri}/healthz", timeout=60)
    assert parsedate_to_datetime(answered.headers["Date"]).tzinfo is not None
