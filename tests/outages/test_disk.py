"""A disk that is full, or takes no writes: said to the client, and told once in the log."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from django.db import OperationalError

from catalog.storage.errors import MissingFile, Unreadable
from core.backend_failures import log_outage, outage_of
from tests.conftest import API_KEY
from tests.servers import RunningServer, running
from tiled_client.wire.structures import ArrayStructure
from tools.backends.small_disk import fill, small_disk

OCTETS = "application/octet-stream"
LARGE = (17 << 20) // 8


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("of any text, in any language")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 507),
        (OSError(errno.EROFS, "Read-only file system"), 503),
        (OSError(errno.EIO, "Input/output error"), 503),
        (PermissionError(errno.EACCES, "Permission denied"), 503),
        (OSError("[Errno 28] Error writing bytes to file. Detail: No space left on device"), 507),
        (OSError("Can't write data (file write failed: errno = 28, error message = '...')"), 507),
        (ValueError('Error writing "c/0": [OS error 28: ENOSPC No space left on device]'), 507),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)), 507),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_IOERR | (3 << 8))), 503),
        (caused(Unreadable("a chunk"), OSError(errno.EIO, "Input/output error")), 503),
        (caused(Unreadable("of others"), PermissionError(errno.EACCES, "")), None),
        (caused(MissingFile("a chunk"), FileNotFoundError(errno.ENOENT, "")), None),
        (ConnectionResetError(errno.ECONNRESET, "reset"), None),
        (ValueError("28"), None),
        (OperationalError("no such table: catalog_node"), None),
    ],
)
def test_failures_of_disks_are_known_by_their_numbers(error: Exception, status: int | None) -> None:
    outage = outage_of(error)
    assert (outage and outage.status) == status


def test_each_kind_of_failure_is_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for number in range(5):
        log_outage(OSError(errno.EMFILE, f"Too many open files ({number})"))
        log_outage(OSError(errno.ENOLCK, "No locks available"))
    assert len(caplog.records) == 2
    assert not any(record.exc_info for record in caplog.records)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[RunningServer, Path]]:
    """A server that keeps everything on a small disk, and that disk."""
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
    with small_disk(tmp_path) as disk:
        places = {
            "TILED_STORAGE_DIRECTORY": str(disk / "storage"),
            "TILED_DATABASE_URI": f"sqlite:///{disk / 'catalog.db'}",
        }
        with running(tmp_path / "data", "serve", *options, **places) as server:
            yield server, disk


def test_a_full_disk_is_507_until_there_is_room_again(
    site: tuple[RunningServer, Path],
) -> None:
    server, disk = site

    def send(method: str, path: str, **body: object) -> requests.Response:
        headers = {"Authorization": f"Apikey {API_KEY}"}
        if "data" in body:
            headers["Content-Type"] = OCTETS
        address = f"{server.uri}/api/v1/{path}"
        return requests.request(method, address, headers=headers, timeout=60, **body)  # type: ignore[arg-type]

    def create(key: str, length: int) -> requests.Response:
        structure = ArrayStructure.from_array(np.zeros(length, "i8")).to_json()
        source = {"structure_family": "array", "structure": structure, "management": "writable"}
        node = {"id": key, "structure_family": "array", "metadata": {}, "specs": []}
        return send("POST", "metadata/", json={**node, "data_sources": [source]})

    def write(key: str, length: int) -> requests.Response:
        return send("PUT", f"array/full/{key}", data=bytes(8 * length))

    def everything() -> list[requests.Response]:
        rest = {"content-type": "application/merge-patch+json", "specs": None}
        text = {**rest, "metadata": {"text": os.urandom(50_000).hex()}}
        return [
            write("small", 40_000),
            write("large", LARGE),  # its body goes to a file first
            create("another", 8),
            send("PATCH", "metadata/small", json=text),
        ]

    assert create("small", 40_000).status_code == create("large", LARGE).status_code == 200
    assert write("small", 40_000).status_code == 200
    fill(disk / "filler")
    for refused in everything():
        assert refused.status_code == 507, refused.text
        assert refused.headers["Retry-After"] == "30"
        assert "full" in refused.json()["detail"]
    assert send("GET", "array/full/small?format=json").status_code == 200
    (disk / "filler").unlink()
    assert write("small", 40_000).status_code == 200
    assert "Traceback" not in server.log
    assert server.log.count("The disk of the server is full") == 1
