"""Discovery of the API of a server: wrong addresses, keys and proxies, over real sockets."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.client.fake_servers import HttpPeer, Reply, StreamPeer, schema, visit
from tests.client.test_http import ABOUT, ROOT, array, container
from tiled_client import (
    FailureCause,
    InvalidResponse,
    NodeExists,
    NotSupported,
    RequestRejected,
    ServerError,
    TransportError,
    Unauthorized,
    from_uri,
)
from tools.backends.ports import free_port

# Far below the 30 s of the default timeout, and far above what a loaded machine needs.
AT_ONCE = 15.0
HTML = {"Content-Type": "text/html"}
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@pytest.fixture(scope="module")
def tls_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that completes TLS handshakes, with a certificate that nobody has signed."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_shake_hands, args=(listener, context), daemon=True).start()
    with closing(listener):
        yield listener.getsockname()[1]


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain:
            plain.settimeout(5)
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                continue


def failure_at(uri: str, **options: float) -> TransportError:
    started = time.monotonic()
    with pytest.raises(TransportError) as caught:
        from_uri(uri, "secret", **options)
    assert time.monotonic() - started < AT_ONCE
    return caught.value


def test_a_refused_connection_is_an_error_at_once() -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    assert str(failure_at(uri)) == f"No server answers at {uri}. Is it running?"


def test_an_unknown_host_is_an_error_at_once() -> None:
    assert "'nowhere.invalid' is unknown" in str(failure_at("http://nowhere.invalid:8000"))


def test_https_for_http_is_named(http_peer: HttpPeer) -> None:
    address = http_peer.root.removesuffix("/api/v1").removeprefix("http")
    expected = f"This server speaks http, not https: use http{address}."
    assert str(failure_at(f"https{address}")) == expected


def test_http_for_https_is_named(tls_port: int) -> None:
    expected = f"This server speaks https, not http: use https://127.0.0.1:{tls_port}."
    assert str(failure_at(f"http://127.0.0.1:{tls_port}")) == expected


def test_a_certificate_that_is_not_trusted_is_an_error_at_once(tls_port: int) -> None:
    assert "is not trusted" in str(failure_at(f"https://127.0.0.1:{tls_port}"))


def test_the_timeout_bounds_the_wait_for_a_server_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error = failure_at(uri, timeout=0.5)
    assert error.cause is FailureCause.timeout


def test_a_server_that_is_busy_is_waited_for_with_a_line(
    http_peer: HttpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    busy = Reply(503, {"detail": "The server is starting."}, {"Retry-After": "1"})
    http_peer.gives(busy, ABOUT, ROOT)
    with caplog.at_level(logging.WARNING, "tiled_client"):
        from_uri(http_peer.root, "secret")
    (line,) = caplog.messages
    assert line.startswith("The server is starting. Retrying in 1.0 s ...")


def test_a_lasting_failure_of_a_proxy_is_bounded_by_the_timeout(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(502, headers=HTML, body=PAGE))
    with pytest.raises(ServerError, match="A proxy before the server") as caught:
        from_uri(http_peer.root, "secret", timeout=0.5)
    assert "<" not in str(caught.value)


def test_a_page_in_place_of_the_api_is_named_and_not_shown(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(404, headers=HTML, body=PAGE))
    with pytest.raises(InvalidResponse, match="no Tiled server at this URL") as caught:
        from_uri(http_peer.root, "secret")
    assert "<" not in str(caught.value)


def test_a_wrong_path_is_answered_with_the_right_one(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(404, {"detail": "Not Found"}), ABOUT)
    base = http_peer.root.removesuffix("/api/v1")
    with pytest.raises(InvalidResponse, match=f"but there is one at {base}: use it"):
        from_uri(f"{base}/ui/", "secret")


def test_white_space_around_a_key_is_removed(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    http_peer.gives(ABOUT, ROOT, ABOUT, ROOT)
    from_uri(http_peer.root, " secret\n")
    monkeypatch.setenv("TILED_API_KEY", "secret\r\n")
    from_uri(http_peer.root)
    sent = [exchange.headers.get("Authorization") for exchange in http_peer.exchanges]
    assert sent == [None, "Apikey secret"] * 2


@pytest.mark.parametrize("key", ["se\ncret", "Apikey secret", "se\u200bcret"])
def test_a_key_that_cannot_be_one_is_rejected_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        from_uri("http://127.0.0.1:1", key)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["localhost:8000?api_key=secret", "http://me:secret@localhost"])
def test_a_malformed_uri_is_rejected_without_its_secrets(uri: str) -> None:
    with pytest.raises(ValueError, match="localhost") as caught:
        from_uri(uri)
    assert "secret" not in str(caught.value)


def test_no_error_has_the_key_or_the_query(http_peer: HttpPeer) -> None:
    http_peer.gives(ABOUT, Reply(401, {"detail": "Invalid API key"}))
    with pytest.raises(Unauthorized, match="expired, or was revoked") as caught:
        from_uri(f"{http_peer.root}/metadata/x?api_key=sesame")
    assert "sesame" not in repr(caught.value) + str(caught.value)
    assert str(caught.value).endswith(f"(401 from {http_peer.root}/metadata/x)")


def test_no_log_line_of_a_handshake_has_the_key(
    stream_peer: StreamPeer, caplog: pytest.LogCaptureFixture
) -> None:
    stream_peer.plays(visit(schema(), lambda connection: connection.close(1000)))
    with caplog.at_level(logging.DEBUG):
        stream_peer.array().subscribe().start()
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("tiled_client")]
    assert "> Authorization: (hidden)" in lines
    assert "Apikey" not in "".join(lines)


def test_a_node_that_exists_is_named_in_the_words_of_the_client(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(409, {"detail": "/x"}))
    with pytest.raises(NodeExists) as caught:
        container(http_peer).create_container("x")
    assert caught.value.detail == (
        "A node 'x' already exists in /. Use another key, client['x'] to open it, or "
        "if_exists='open' or 'replace'."
    )


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        ("It does not fit. Use ?extend=true to extend it.", "Pass extend=True to extend it."),
        ("Use slicing ('?slice=...') to request less.", "Use slicing (x[...]) to request less."),
        ("No such entry: ['a', 'b']", "there is no node /a/b."),
        (
            "Not enough permissions. Requires scopes ['write:data']. Request had scopes "
            "['read:data', 'read:metadata']",
            "it requires the scopes write:data, and they have read:data, read:metadata.",
        ),
        ([{"loc": ["query", "offset"], "msg": "not a number"}], "offset: not a number"),
    ],
    ids=["flag", "slice", "missing", "scopes", "pydantic"],
)
def test_explanations_of_servers_are_in_the_words_of_the_client(
    http_peer: HttpPeer, detail: object, sentence: str
) -> None:
    http_peer.gives(Reply(422, {"detail": detail}))
    with pytest.raises(RequestRejected) as caught:
        array(http_peer).read()
    assert sentence in caught.value.detail


def test_an_endpoint_that_the_server_lacks_is_named(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(404, {"detail": "Not Found"}))
    with pytest.raises(NotSupported, match="no endpoint 'array/full'"):
        array(http_peer).read()
