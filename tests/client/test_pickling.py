"""Client objects in other processes, and what of the credentials is in a pickle."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import pickletools
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from tests.conftest import API_KEY, PASSWORDS
from tests.servers import RunningServer
from tiled_client import Container, HttpOptions, Unauthorized, from_uri

TIMEOUT = 60


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container of the test's own."""
    made: Container = from_uri(server.uri, API_KEY).create_container(f"t{secrets.token_hex(6)}")
    return made


def key_of(node: Any) -> str:
    """Return the key of the user that a process acts for."""
    return str(node.whoami()["identities"][0]["id"])


POOL = """
import multiprocessing, os, sys
import numpy as np
from tiled_client import from_uri

def total(node):
    return float(np.asarray(node["x"].read()).sum()), os.getpid()

if __name__ == "__main__":
    client = from_uri(sys.argv[1], sys.argv[2])
    with multiprocessing.get_context(sys.argv[3]).Pool(2) as pool:
        found = pool.map(total, [client, client.dask] * 2)
    assert {value for value, _ in found} == {45.0}, found
    assert os.getpid() not in {process for _, process in found}
"""


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_nodes_work_in_processes_however_these_are_started(
    client: Container, method: str, tmp_path: Path
) -> None:
    client.write_array(np.arange(10.0), key="x")
    # A separate program: a fork of this process would inherit the locks that its threads hold.
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    command = [sys.executable, str(script), client.uri, API_KEY, method]
    subprocess.run(command, check=True, timeout=TIMEOUT)


def test_a_pickle_has_no_key_and_its_file_is_for_this_user_only(client: Container) -> None:
    for dump in (pickle.dumps, cloudpickle.dumps):
        assert API_KEY.encode() not in dump([client, client.dask])
    (path,) = _files(pickle.dumps(client))
    assert API_KEY in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_headers_of_requests_are_handed_over_apart_from_the_pickle(client: Container) -> None:
    options = HttpOptions(headers={"X-Proxy": "hush"})
    node = from_uri(client.uri, API_KEY, options=options)
    content = pickle.dumps(node)
    assert b"hush" not in content
    assert pickle.loads(_renamed(content))._http.options == options


def test_copies_share_the_connections_of_the_original(client: Container) -> None:
    for again in (pickle.loads(pickle.dumps(client)), copy.deepcopy(client), copy.copy(client)):
        assert again == client
        assert again._http is client._http


def test_a_pickle_outlives_its_process_without_the_key(client: Container, tmp_path: Path) -> None:
    client.write_array(np.arange(3), key="x")
    write = (
        "import pickle, sys; from tiled_client import from_uri; "
        "open(sys.argv[1], 'wb').write(pickle.dumps(from_uri(sys.argv[2], sys.argv[3])))"
    )
    file = tmp_path / "node.pickle"
    subprocess.run([sys.executable, "-c", write, file, client.uri, API_KEY], check=True)
    (handover,) = _files(file.read_bytes())
    assert not handover.parent.exists()
    node = pickle.loads(file.read_bytes())
    with pytest.raises(Unauthorized, match="TILED_API_KEY"):
        node["x"]


@pytest.mark.parametrize("way", ["ends", "is killed"])
def test_processes_leave_no_file(client: Container, way: str, tmp_path: Path) -> None:
    write = """
import multiprocessing, os, pickle, signal, sys
from tiled_client import from_uri

def child():
    pickle.dumps(from_uri(sys.argv[1], sys.argv[2]))
    if sys.argv[3] == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
"""
    settings = {**os.environ, "TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": ""}
    command = [sys.executable, "-c", write, client.uri, API_KEY]
    subprocess.run([*command, way], check=True, env=settings)
    left = list(tmp_path.glob("tiled-client-*/*.json"))
    assert len(left) == (way == "is killed")
    for lock in tmp_path.glob("*/lock"):
        os.utime(lock, (0, 0))
    # The next process removes what that one has left.
    subprocess.run([*command, "ends"], check=True, env=settings)
    assert list(tmp_path.iterdir()) == []


def test_a_process_elsewhere_uses_the_key_of_its_environment(
    client: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = pickle.dumps(from_uri(client.uri, API_KEY))
    (handover,) = _files(content)
    elsewhere = content.replace(bytes(handover), bytes(handover)[:-6] + b"x.json")
    monkeypatch.setenv("TILED_API_KEY", API_KEY)
    assert pickle.loads(_renamed(elsewhere)).keys().head() == []


@pytest.mark.parametrize("remember", [True, False])
def test_processes_share_the_tokens_of_a_login(
    multiuser_server: RunningServer,
    remember: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    node = from_uri(
        multiuser_server.uri, username="alice", password=PASSWORDS["alice"], remember=remember
    )
    tokens = node.credentials.tokens
    content = pickle.dumps(node)
    assert tokens.access.encode() not in content
    assert tokens.refresh.encode() not in content
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(key_of, [node]).get(TIMEOUT) == "alice"


def _files(content: bytes) -> set[Path]:
    """Return the hand-over files that a pickle names."""
    texts = [arg for code, arg, _ in _operations(content) if isinstance(arg, str)]
    return {Path(text) for text in texts if text.endswith(".json")}


def _operations(content: bytes) -> list[Any]:
    """Return the operations of a pickle."""
    return list(pickletools.genops(content))


def _renamed(content: bytes) -> bytes:
    """Return a pickle of another client: one that this process does not know."""
    identity = next(
        arg
        for _, arg, _ in _operations(content)
        if isinstance(arg, str) and len(arg) == 32 and arg.isalnum()
    )
    return content.replace(identity.encode(), identity[::-1].encode())
