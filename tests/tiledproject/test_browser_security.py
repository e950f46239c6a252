"""What pages of other sites can do by their visitors' browsers, and whom the server believes."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from catalog.models import Node
from tests.in_process_server import answer, content
from tiledproject.http.cors import WebSocketOriginGuard
from tiledproject.http.security_headers import DATA_POLICY, PAGE_POLICY
from tiledproject.http.trusted_proxies import TrustedProxyMiddleware

VIEWER = "https://viewer.example.org"


def ask(method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An answer as it leaves for a client at localhost."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    got = answer(method, path, headers=given)
    told = {name.decode(): value.decode("latin-1") for name, value in got.headers}
    return got.status, told, content(got)


def allow(settings: LazySettings, *origins: str) -> None:
    server = settings.TILED.server.model_copy(update={"allow_origins": list(origins)})
    settings.TILED = settings.TILED.model_copy(update={"server": server})


@pytest.fixture(autouse=True)
def root(db: None) -> None:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})


def test_a_page_of_another_site_reads_answers_only_if_the_site_allows_it(
    settings: LazySettings,
) -> None:
    key = {"authorization": "Apikey secret"}
    for origins, told in (((), None), ((VIEWER,), VIEWER), (("*",), "*")):
        allow(settings, *origins)
        for path, status in (("/api/v1/search/", 200), ("/api/v1/metadata/no", 404)):
            answered, headers, _ = ask("GET", path, origin=VIEWER, **key)
            assert answered == status
            assert headers.get("Access-Control-Allow-Origin") == told
            assert headers["Access-Control-Allow-Credentials"] == "true"
            assert headers["Access-Control-Expose-Headers"] == "X-Tiled-Request-ID"
            assert "Origin" in headers["Vary"]
        assert not any("Access-Control" in name for name in ask("GET", "/api/v1/", **key)[1])


def test_a_cors_preflight_returns_the_allowed_methods_and_headers(
    settings: LazySettings,
) -> None:
    wanted = {
        "origin": VIEWER,
        "access_control_request_method": "PUT",
        "access_control_request_headers": "authorization, content-type",
    }
    status, _, body = ask("OPTIONS", "/api/v1/array/full/a", **wanted)
    assert (status, body) == (400, b"Disallowed CORS origin")
    allow(settings, VIEWER)
    status, headers, _ = ask("OPTIONS", "/api/v1/array/full/a", **wanted)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == VIEWER
    assert "PUT" in headers["Access-Control-Allow-Methods"]
    assert headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert ask("OPTIONS", "/api/v1/array/full/a")[0] in (401, 405)


def test_exported_pages_have_no_permissions_in_a_browser(client: Client) -> None:
    for page in ("/", "/admin/login/"):
        headers = client.get(page).headers
        assert headers["Content-Security-Policy"] == PAGE_POLICY
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
    _, headers, _ = ask("GET", "/api/v1/")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in headers


def test_data_that_a_browser_would_run_is_confined(client: Client) -> None:
    from django.http import HttpResponse
    from django.test import RequestFactory

    from tiledproject.http.security_headers import set_data_policy

    for media_type in ("text/html; charset=utf-8", "image/svg+xml"):
        response = HttpResponse("<script>", content_type=media_type)
        set_data_policy(RequestFactory().get("/"), response)
        assert response.headers["Content-Security-Policy"] == DATA_POLICY


def test_over_tls_cookies_and_promises_are_for_tls_alone(settings: LazySettings) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    plain, secure = (
        ask("GET", "/api/v1/", x_forwarded_proto=name)[1] for name in ("http", "https")
    )
    assert "Secure" not in plain["Set-Cookie"]
    assert "Strict-Transport-Security" not in plain
    assert "Secure" in secure["Set-Cookie"]
    assert secure["Strict-Transport-Security"] == "max-age=60"


async def heard(application: Any, **scope: Any) -> Any:
    """Return the messages that are sent in response to a connection request."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("tiled.example.org", None, None),
        ("tiled.example.org", "https://tiled.example.org", None),
        ("tiled.example.org:443", "https://tiled.example.org", None),
        ("localhost:8000", "http://localhost:8000", None),
        ("tiled.example.org", VIEWER, None),
        ("tiled.example.org", "https://evil.example.org", 403),
        ("localhost:8000", "http://localhost:9000", 403),
        ("tiled.example.org", "null", 403),
        ("tiled.example.org", "https://[", 403),
        # A name that somebody else lets lead to this machine.
        ("evil.example.org", "https://evil.example.org", 400),
        ("evil.example.org", None, 400),
    ],
)
def test_streams_are_opened_by_pages_of_this_site_and_those_it_allows(
    host: str, origin: str | None, status: int | None
) -> None:
    async def streams(scope: Any, receive: Any, send: Any) -> None:
        await send("in")

    guard = WebSocketOriginGuard(
        streams, hosts=["tiled.example.org", "localhost"], origins=[VIEWER]
    )
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    sent = asyncio.run(heard(guard, type="websocket", headers=headers, extensions=extensions))
    if status is None:
        assert sent == ["in"]
    else:
        assert sent[0]["status"] == status
        assert "server." in json.loads(sent[1]["body"])["detail"]
        assert asyncio.run(heard(guard, type="websocket", headers=headers)) == [
            {"type": "websocket.close"}
        ]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "evil, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (None, "203.0.113.7", "203.0.113.7"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
    ],
)
def test_forwarded_headers_are_accepted_from_trusted_proxies_only(
    peer: str | None, forwarded: str, client: str
) -> None:
    scopes: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    proxies = TrustedProxyMiddleware(application, [ipaddress.ip_network("10.0.0.0/28")])
    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-host", b"h"), (b"a", b"b")]
    given = (peer, 1) if peer else None
    asyncio.run(heard(proxies, type="http", client=given, headers=headers))
    [scope] = scopes
    assert scope["client"][0] == client
    believed = [] if peer == "192.0.2.1" else [(b"x-forwarded-host", b"h")]
    assert scope["headers"] == [*believed, (b"a", b"b")]
