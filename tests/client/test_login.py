"""Login, saved tokens and their renewal."""

from __future__ import annotations

import importlib
import json
import stat
import threading
import time
from pathlib import Path
from typing import Any

import jwt
import numpy as np
import pytest

from tests.client.fake_servers import HttpPeer, Reply
from tests.conftest import PASSWORDS, TOKEN_SECRET
from tests.servers import RunningServer
from tiled_client import Forbidden, NodeNotFound, Unauthorized, from_uri
from tiled_client.auth.credentials import Credentials, TokenCredentials, Tokens
from tiled_client.auth.token_files import TokenFile
from tiled_client.errors import StreamLost
from tiled_client.stream.engine.credential_renewal import CredentialRenewal

ROOT = {
    "data": {"id": "", "attributes": {"structure_family": "container", "specs": []}, "links": {}}
}
REFUSED = Reply(401, {"detail": "no"})
PASSWORD_MODE = {"provider": "local", "mode": "internal", "confirmation_message": "Hello {id}."}
BROWSER_MODE = {"provider": "facility", "mode": "external"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tokens are kept, and no key that somebody has in their environment."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    return tmp_path


def about(*providers: dict[str, Any], required: bool = True) -> Reply:
    told = {"required": required, "providers": providers}
    return Reply(value={"api_version": 0, "authentication": told})


def tokens(number: int, lasts: float = 900) -> Reply:
    told = {
        "access_token": f"access{number}",
        "refresh_token": f"refresh{number}",
        "expires_in": lasts,
        "identity": {"id": "alice"},
    }
    return Reply(value=told)


def sent(peer: HttpPeer) -> list[tuple[str, str, str | None]]:
    """Method, path and what was shown, of each request."""
    return [
        (one.method, one.path.removeprefix("/api/v1/"), one.headers.get("Authorization"))
        for one in peer.exchanges
    ]


def kept_files(cache: Path) -> list[Path]:
    return list((cache / "tiled-client" / "tokens").glob("*"))


def test_a_password_is_sent_as_a_form_and_the_tokens_are_kept_for_this_user_alone(
    http_peer: HttpPeer, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    http_peer.gives(about(PASSWORD_MODE), tokens(1), Reply(value=ROOT))
    from_uri(http_peer.root, username="alice", password="a b&c")
    assert sent(http_peer) == [
        ("GET", "", None),
        ("POST", "auth/provider/local/token", None),
        ("GET", "metadata/", "Bearer access1"),
    ]
    form = b"grant_type=password&username=alice&password=a+b%26c"
    assert http_peer.exchanges[1].body == form
    assert capsys.readouterr().out == "Hello alice.\n"
    (file,) = kept_files(cache)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    http_peer.exchanges.clear()
    http_peer.gives(about(PASSWORD_MODE), Reply(value=ROOT))
    from_uri(http_peer.root)
    assert sent(http_peer)[1] == ("GET", "metadata/", "Bearer access1")


def test_no_tokens_are_saved_without_remember(http_peer: HttpPeer, cache: Path) -> None:
    http_peer.gives(about(PASSWORD_MODE), tokens(1), Reply(value=ROOT))
    from_uri(http_peer.root, username="alice", password="x", remember=False)
    assert kept_files(cache) == []


def test_a_token_that_is_refused_is_renewed_once_and_the_request_repeated(
    http_peer: HttpPeer, cache: Path
) -> None:
    http_peer.gives(about(PASSWORD_MODE), tokens(1), Reply(value=ROOT))
    client = from_uri(http_peer.root, username="alice", password="x")
    http_peer.exchanges.clear()
    http_peer.gives(REFUSED, tokens(2), Reply(value=ROOT))
    client.refresh()
    assert sent(http_peer) == [
        ("GET", "metadata/", "Bearer access1"),
        ("POST", "auth/session/refresh", None),
        ("GET", "metadata/", "Bearer access2"),
    ]
    assert json.loads(http_peer.exchanges[1].body) == {"refresh_token": "refresh1"}
    assert TokenFile(http_peer.root).read()["access_token"] == "access2"
    http_peer.exchanges.clear()
    http_peer.gives(REFUSED)
    with pytest.raises(Unauthorized):
        client.refresh()
    assert len(http_peer.exchanges) == 2


def test_many_threads_whose_token_has_expired_ask_for_another_one_time(
    http_peer: HttpPeer,
) -> None:
    asked = []

    def refresh(token: str) -> Any:
        asked.append(token)
        time.sleep(0.05)
        return tokens(2).value

    credentials = TokenCredentials(Tokens("access1", "refresh1", 0.0), refresh)
    headers: list[dict[str, str]] = []
    crowd = [
        threading.Thread(target=lambda: headers.append(credentials.header())) for _ in range(8)
    ]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert headers == [{"Authorization": "Bearer access2"}] * 8
    assert asked == ["refresh1"]


def test_tokens_renewed_by_another_process_are_read_from_the_file() -> None:
    file = TokenFile("http://h/api/v1")
    mine = TokenCredentials(Tokens("access1", "refresh1", time.time() + 900), lambda _: 1 / 0, file)
    file.write({"access_token": "theirs", "refresh_token": "r", "stale_at": time.time() + 900})
    assert mine.renew(mine.header())
    assert mine.header() == {"Authorization": "Bearer theirs"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"access_token": 1}', "\0"])
def test_a_file_that_is_no_token_is_no_login(http_peer: HttpPeer, text: str) -> None:
    file = TokenFile(http_peer.root)
    file.write({})
    file.path.write_text(text)
    http_peer.gives(about(PASSWORD_MODE))
    with pytest.raises(Unauthorized, match="requires a login"):
        from_uri(http_peer.root)


def test_a_process_that_has_widgets_is_no_notebook(http_peer: HttpPeer) -> None:
    importlib.import_module("ipykernel.zmqshell")
    http_peer.gives(about(PASSWORD_MODE))
    with pytest.raises(Unauthorized, match="requires a login"):
        from_uri(http_peer.root)


def test_a_browser_login_is_polled_without_a_password_prompt(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    begun = {
        "authorization_uri": "http://h/login",
        "user_code": "BCDF-GHJK",
        "device_code": "d",
        "expires_in": 60,
        "interval": 0.01,
    }
    pending = Reply(400, {"detail": {"error": "authorization_pending"}})
    door = about(BROWSER_MODE, required=False)
    http_peer.gives(door, Reply(value=ROOT))
    client = from_uri(http_peer.root)
    http_peer.exchanges.clear()
    http_peer.gives(Reply(value=begun), pending, pending, tokens(1), Reply(value=ROOT))
    client.login()
    client.refresh()
    assert sent(http_peer) == [
        ("POST", "auth/provider/facility/authorize", None),
        *[("POST", "auth/provider/facility/token", None)] * 3,
        ("GET", "metadata/", "Bearer access1"),
    ]
    assert "http://h/login" in capsys.readouterr().out


def test_conflicting_credentials_are_rejected(http_peer: HttpPeer) -> None:
    with pytest.raises(ValueError, match="pass one of them"):
        from_uri(http_peer.root, "key", username="alice")
    http_peer.gives(about(required=False))
    with pytest.raises(Unauthorized, match="no identity providers"):
        from_uri(http_peer.root, username="alice", password="x")
    http_peer.exchanges.clear()
    other = {**PASSWORD_MODE, "provider": "other"}
    http_peer.gives(about(PASSWORD_MODE, other, required=False), Reply(value=ROOT))
    with pytest.raises(Unauthorized, match="local, other"):
        from_uri(http_peer.root).login()


def test_a_stream_is_not_renewed_twice_in_vain() -> None:
    class Renewable(Credentials):
        def renew(self, refused: Any) -> bool:
            return True

    renewal, over = CredentialRenewal(Renewable()), Unauthorized("expired", status=4003)
    assert isinstance(renewal.after_failure(over, progress=False), StreamLost)
    assert renewal.after_failure(over, progress=False) is over
    assert isinstance(renewal.after_failure(over, progress=True), StreamLost)
    assert CredentialRenewal(Credentials()).after_failure(over, progress=True) is over


def test_a_user_works_with_a_real_server(multiuser_server: RunningServer, cache: Path) -> None:
    client = from_uri(multiuser_server.uri, username="bob", password=PASSWORDS["bob"])
    me = client.whoami()
    assert me["identities"][0]["id"] == "bob"
    key = f"c{time.time_ns()}"
    x = client.write_array(np.array([1, 2, 3]), key=key)
    made = client.create_api_key(["read:metadata", "read:data"], expires_in=60, note="a display")
    display = from_uri(multiuser_server.uri, made["secret"])
    assert display.which_api_key()["note"] == "a display"
    assert display[key].read().tolist() == [1, 2, 3]
    with pytest.raises(Forbidden):
        client.create_api_key(["admin:apikeys"])
    client.revoke_api_key(made["secret"])
    with pytest.raises(Unauthorized):
        display[key].read()
    with pytest.raises(NodeNotFound):
        client.revoke_api_key(made["secret"])
    # A subscription outlives its token: it comes back with another, and goes on where it was.
    login = client.credentials
    claims = jwt.decode(login.tokens.access, TOKEN_SECRET, ["HS256"])
    short = jwt.encode({**claims, "exp": time.time() + 1.5}, TOKEN_SECRET, "HS256")
    login._tokens = Tokens(short, login.tokens.refresh, time.time() + 900)
    sub = x.subscribe()
    heard: list[Any] = []
    second = threading.Event()

    def hear(update: Any) -> None:
        heard.append(update.data().tolist())
        if len(heard) == 2:
            second.set()

    sub.new_data.add_callback(hear)
    sub.start_in_thread(0)
    time.sleep(1.6)
    x.write(np.array([4, 5, 6]))
    assert second.wait(20), sub.error
    assert heard == [[1, 2, 3], [4, 5, 6]]
    assert login.tokens.access != short
    # Who logs out is nobody, and what they have open ends.
    client.logout()
    assert kept_files(cache) == []
    with pytest.raises(Unauthorized, match="Session revoked"):
        sub.wait(20)
    assert client.whoami() is None
