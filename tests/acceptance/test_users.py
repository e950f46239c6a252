"""A site with users: what was recorded of one, and a walk with Tiled's own client."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from streaming.sockets.connections.group_broadcast import POLL_SECONDS
from streaming.sockets.connections.registry import (
    ACCOUNT_DISABLED,
    PERMISSIONS_CHANGED,
    SESSION_REVOKED,
)
from tests.conftest import PASSWORDS, TOKEN_SECRET
from tests.servers import RunningServer

from .client_processes import TILED, ClientProcesses
from .replay import Changes, Replay, steps
from .test_recordings import closed, denial

REVOKED = closed(4003, "Key revoked")


def log_in(server: RunningServer, name: str) -> tuple[str, str]:
    """An access token and one to refresh."""
    form = {"username": name, "password": PASSWORDS[name]}
    answer = requests.post(f"{server.uri}/api/v1/auth/provider/local/token", form, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"], answer.json()["refresh_token"]


def closing_of(socket: ClientConnection, ends: float) -> tuple[int, str]:
    """Code and reason with which the server closes it, before `ends`."""
    with pytest.raises(ConnectionClosed) as closing:
        while True:
            socket.recv(timeout=max(ends - time.monotonic(), 0.01))
    assert closing.value.rcvd is not None
    return closing.value.rcvd.code, closing.value.rcvd.reason


class Holder:
    """Somebody with a token, who makes keys and revokes them."""

    def __init__(self, server: RunningServer, name: str) -> None:
        self.token, self._refresh = log_in(server, name)
        self._api = f"{server.uri}/api/v1"
        self._address = f"{self._api}/auth/apikey"
        self._headers = {"authorization": f"Bearer {self.token}"}

    def key(self, *scopes: str, lasts: float = 600.0, note: str = "") -> str:
        body = {"scopes": list(scopes) or None, "expires_in": lasts, "note": note}
        answer = requests.post(self._address, json=body, headers=self._headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["secret"])

    def revoke(self, key: str) -> None:
        query = {"first_eight": key[:8]}
        answer = requests.delete(self._address, params=query, headers=self._headers, timeout=30)
        assert answer.status_code == 204, answer.text

    def make_node(self) -> None:
        body = {"structure_family": "container"}
        answer = requests.post(
            f"{self._api}/metadata/", json=body, headers=self._headers, timeout=30
        )
        assert answer.status_code == 200, answer.text

    def log_out(self) -> None:
        body = {"refresh_token": self._refresh}
        answer = requests.post(f"{self._api}/auth/session/revoke", json=body, timeout=30)
        assert answer.status_code == 204, answer.text

    def expired(self) -> str:
        """A token of theirs that was good a second ago."""
        claims = jwt.decode(self.token, TOKEN_SECRET, ["HS256"])
        return jwt.encode({**claims, "exp": time.time() - 1}, TOKEN_SECRET, "HS256")


def test_a_client_sees_what_was_recorded(multiuser_server: RunningServer, readable: Path) -> None:
    alice = Holder(multiuser_server, "alice")
    good = alice.key()
    recorded = steps("auth_multi_user")
    unread = "Requires scopes ['read:data', 'read:metadata']. Request had scopes ['read:metadata']"

    def closing(number: int) -> Changes:
        return {**REVOKED, "step": "ws_close", "ws": recorded[number]["ws"]}

    revoke: Changes = {"step": "do", "what": lambda: alice.revoke(good)}
    differences: dict[int, list[Changes]] = {
        # Whoever makes a node without tags owns it.
        0: [{"response": {"json": {"access_tags": ["user:alice"]}}}],
        # A token in the header opens a stream, as it opens anything else.
        5: [{"result": {"accepted": True, "status": 101}}],
        # Scopes are those of reading.
        26: [denial(401, unread)],
        **{number: [] for number in (27, 33, 39, 45)},
        # What a key has open ends with it.
        34: [revoke, closing(41), closing(43), {}],
        **{number: [] for number in (35, 37, 41, 43)},
    }
    words = {
        "GOOD_API_KEY": good,
        "METADATA_ONLY_API_KEY": alice.key("read:metadata"),
        "OTHER_API_KEY": alice.key(),
        "ACCESS_TOKEN": alice.token,
        "EXPIRED_TOKEN": alice.expired(),
    }
    replay = Replay(multiuser_server.uri, readable, differences, words=words)
    assert replay.run("auth_multi_user") == []


def test_tileds_own_client_logs_in_and_does_all_that_it_can(
    multiuser_server: RunningServer, client_processes: ClientProcesses
) -> None:
    process = client_processes.process("users", TILED)
    key = f"x{secrets.token_hex(4)}"
    arguments: list[Any] = [multiuser_server.uri, PASSWORDS["ada"], PASSWORDS["alice"], key]
    process.run("tiled_users", *arguments)
    process.finishes(
        "401",
        "You are alice.",
        "alice True",
        "[1, 2, 3]",
        "heard [1, 2, 3]",
        "False",
        "a display [1, 2, 3]",
        "401",
        "403",
        "401",
        "401",
        "You are ada.",
        "True",
        "service user",
        "service",
        "401",
        "CannotRefreshAuthentication",
        "CannotPrompt",
    )


def test_a_subscription_outlives_the_key_it_was_opened_with_but_not_the_login(
    multiuser_server: RunningServer,
) -> None:
    bob = Holder(multiuser_server, "bob")
    key = bob.key(lasts=60.0, note="websocket")
    address = f"{multiuser_server.uri.replace('http', 'ws', 1)}/api/v1/stream/single/"
    header = {"Authorization": f"Apikey {key}"}
    with connect(address, additional_headers=header, proxy=None) as socket:
        socket.recv(timeout=30)
        bob.revoke(key)
        with pytest.raises(InvalidStatus):
            connect(address, additional_headers=header, proxy=None)
        bob.make_node()
        assert b"container-child-created" in socket.recv(timeout=30, decode=False)
        bob.log_out()
        assert closing_of(socket, time.monotonic() + POLL_SECONDS / 2) == (4003, SESSION_REVOKED)


def test_an_admin_who_is_one_no_more_comes_again_as_what_they_are(
    multiuser_server: RunningServer,
) -> None:
    site = multiuser_server
    named = "from django.contrib.auth.models import User; name = 'zoe'; "
    made = site.manage(
        "shell",
        "-v",
        "0",
        "-c",
        f"{named}from access.api_keys.store import create_key; "
        "zoe = User.objects.create_superuser(name); "
        "print(create_key(scopes=['inherit'], owner=zoe.account)[1])",
    )
    assert made.returncode == 0, made.stderr
    address = f"{site.uri.replace('http', 'ws', 1)}/api/v1/stream/single/"
    header = {"Authorization": f"Apikey {made.stdout.split()[-1]}"}
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(connect(address, additional_headers=header, proxy=None))
            for _ in range(4)
        ]
        demoted = site.manage(
            "shell",
            "-c",
            f"{named}zoe = User.objects.get(username=name); zoe.is_superuser = False; zoe.save()",
        )
        assert demoted.returncode == 0, demoted.stderr
        ends = time.monotonic() + POLL_SECONDS / 2
        for socket in sockets:
            assert closing_of(socket, ends) == (1012, PERMISSIONS_CHANGED)


def test_who_is_barred_loses_what_they_watch(multiuser_server: RunningServer) -> None:
    eve = Holder(multiuser_server, "eve")
    key = eve.key()
    address = f"{multiuser_server.uri.replace('http', 'ws', 1)}/api/v1/stream/single/"
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(connect(address, additional_headers=header, proxy=None))
            for header in (
                {"Authorization": f"Bearer {eve.token}"},
                {"Authorization": f"Apikey {key}"},
            )
            * 4
        ]
        for socket in sockets:
            socket.recv(timeout=30)
        bar = (
            "from django.contrib.auth.models import User; eve = User.objects.get(username='eve'); "
        )
        barred = multiuser_server.manage("shell", "-c", f"{bar}eve.is_active = False; eve.save()")
        assert barred.returncode == 0, barred.stderr
        # Sooner than by the next look at the database.
        ends = time.monotonic() + POLL_SECONDS / 2
        for socket in sockets:
            assert closing_of(socket, ends) == (4003, ACCOUNT_DISABLED)
        with pytest.raises(InvalidStatus):
            connect(address, additional_headers={"Authorization": f"Apikey {key}"}, proxy=None)
