"""Rights per node on a real site of two processes."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.servers import RunningServer

from .client_processes import TILED, ClientProcesses
from .test_users import Holder

# As many commands, in one process.
TAGS = """
from django.core.management import call_command
call_command("tag", "create", "team")
call_command("tag", "grant", "team", "user:alice", "--role", "manager")
call_command("tag", "grant", "team", "user:bob", "--role", "reader")
"""
SOCKETS = 8


@pytest.fixture(scope="module")
def keys(multiuser_server: RunningServer) -> list[str]:
    """Keys of alice, who may give a tag to nodes, and of bob, who may read what has it."""
    made = multiuser_server.manage("shell", "-c", TAGS)
    assert made.returncode == 0, made.stderr
    return [Holder(multiuser_server, name).key() for name in ("alice", "bob")]


def test_tileds_own_client_shares_by_tags(
    multiuser_server: RunningServer, keys: list[str], client_processes: ClientProcesses
) -> None:
    process = client_processes.process("sharing", TILED)
    process.run("share", multiuser_server.uri, *keys, f"x{secrets.token_hex(4)}")
    process.finishes(
        "['team']",
        "['user:alice'] ['x', 'y'] 2",
        "['y'] 1 [0, 1, 2]",
        "KeyError 403",
        "403",
        "403",
        "['team', 'user:alice'] ['x', 'y'] 2",
        "1",
        "403",
    )


def test_who_may_not_see_a_node_any_more_is_let_go_in_every_process(
    multiuser_server: RunningServer, keys: list[str]
) -> None:
    api, path = f"{multiuser_server.uri}/api/v1", f"x{secrets.token_hex(4)}"
    alice, bob = ({"authorization": f"Apikey {key}"} for key in keys)
    body = {"id": path, "structure_family": "container", "access_tags": ["team"]}
    requests.post(f"{api}/metadata/", json=body, headers=alice, timeout=30).raise_for_status()
    stream = f"{api.replace('http', 'ws', 1)}/stream/single/{path}?features=child-deleted"
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(connect(stream, additional_headers=bob, proxy=None))
            for _ in range(SOCKETS)
        ]
        for socket in sockets:
            socket.recv(10)
        closed = {"access_tags": ["user:alice"]}
        # An owner tag is the server's to give.
        refused = requests.put(f"{api}/metadata/{path}", json=closed, headers=alice, timeout=30)
        assert refused.status_code == 403
        hidden = multiuser_server.manage("tag", "apply", f"/{path}", "user:alice")
        assert hidden.returncode == 0, hidden.stderr
        done = time.monotonic()
        for socket in sockets:
            with pytest.raises(ConnectionClosed) as error:
                socket.recv(10)
            assert error.value.rcvd is not None
            assert error.value.rcvd.code == 4010
        assert time.monotonic() - done < 5
    gone = requests.get(f"{api}/metadata/{path}", headers=bob, timeout=30)
    assert (gone.status_code, gone.json()) == (404, {"detail": f"No such entry: ['{path}']"})
    assert requests.get(f"{api}/metadata/{path}", headers=alice, timeout=30).ok
