"""WebSockets while the database is unavailable."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from core.errors import NotFound, Unavailable
from streaming.sockets.messages.error_mapping import to_service_error
from tests.servers import own_database, running

from ..websocket_client import KEY, Site

DATABASE = os.environ.get("TEST_DATABASE_URI", "")
SECONDS = 4.0
COMES_BACK = {1012, 1013}


def test_a_locked_database_is_transient_and_a_wrong_statement_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "locked.db"
    with sqlite3.connect(path) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        other = sqlite3.connect(path, timeout=0)
        with pytest.raises(sqlite3.OperationalError) as locked:
            other.execute("SELECT * FROM sqlite_master")
        other.close()
    holder.close()
    error = to_service_error(OperationalError(*locked.value.args), "/")
    assert isinstance(error, Unavailable)
    assert (error.status, error.close_code, error.headers["Retry-After"]) == (503, 1013, "1")
    broken = to_service_error(OperationalError("no such table: catalog_node"), "/")
    assert (broken.status, broken.close_code) == (500, 1011)
    refused = NotFound("No such entry: a")
    assert to_service_error(refused, "/") is refused


@contextmanager
def sessions_ended(uri: str) -> Iterator[None]:
    """Terminate all sessions of a database repeatedly."""
    import psycopg

    over = threading.Event()
    name = urlsplit(uri).path[1:]
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"

    def end() -> None:
        with psycopg.connect(DATABASE, autocommit=True) as connection:
            while not over.wait(0.02):
                connection.execute(kill, [name])

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.skipif(not DATABASE, reason="a database whose sessions can be ended is PostgreSQL")
def test_handshakes_get_retry_after_and_open_sockets_go_on(tmp_path: Path) -> None:
    options = ("serve", "--port", "0", "--workers", "1", "--api-key", KEY)
    with own_database() as database, running(tmp_path, *options, **database) as server:
        site = Site(server)
        container = site.create("container")
        array = site.array()
        with site.multi("?features=child-deleted") as socket:
            socket.send_command(type="subscribe", id="all", path=container, recursive=True)
            assert socket.next_for("all")["type"] == "container-schema"
            refused = []
            with sessions_ended(database["TILED_DATABASE_URI"]):
                deadline = time.monotonic() + SECONDS
                while time.monotonic() < deadline:
                    refused += handshake(site, array)
            child = create_when_reachable(site, container)
            try:
                assert socket.next_for("all")["type"] == "container-child-created"
                assert socket.next_for("all", child)["type"] == "container-schema"
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                assert closed.rcvd.code in COMES_BACK
        assert refused
        assert set(refused) == {(503, "1", True)}
        assert "Traceback" not in server.log
        assert handshake(site, array) == []


def create_when_reachable(site: Site, parent: str) -> str:
    """Create a container as a client does: repeat the request while the server answers 503."""
    body = {"structure_family": "container", "metadata": {}, "specs": [], "data_sources": []}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    deadline = time.monotonic() + 20
    while True:
        answer = site.http(
            "POST", f"/metadata/{parent}", json={**body, "id": "child"}, headers=headers
        )
        if answer.status_code == 200:
            return f"{parent}/child"
        assert answer.status_code == 503, answer.text
        assert time.monotonic() < deadline


def handshake(site: Site, path: str) -> list[tuple[int, str | None, bool]]:
    """Return how a handshake was rejected; an empty list if it was accepted."""
    try:
        with site.socket(f"/{path}") as socket:
            socket.next()
    except InvalidStatus as refused:
        answer = refused.response
        said = b"database" in answer.body
        return [(answer.status_code, answer.headers.get("Retry-After"), said)]
    return []
