"""The command line, run in this process against a real server."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tifffile

from tests.conftest import API_KEY, PASSWORDS
from tests.servers import RunningServer
from tiled_client import Container, from_uri
from tiled_client.command_line.main import main


@dataclass
class Outcome:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def value(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> Run:
    """Run a command in an empty folder, with no settings but those that it is given."""
    for name in ("TILED_URI", "TILED_PROFILE", "TILED_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "config" / "profiles"))
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def run(*arguments: object) -> Outcome:
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
            sys.exit(0)
        out, err = capsysbinary.readouterr()
        return Outcome(int(ended.value.code or 0), out, err.decode())

    return run


@pytest.fixture
def client(server: RunningServer, monkeypatch: pytest.MonkeyPatch, run: Run) -> Container:
    """A container of this test, to which TILED_URI leads."""
    made: Container = from_uri(server.uri, api_key=API_KEY).create_container()
    monkeypatch.setenv("TILED_URI", made.uri)
    monkeypatch.setenv("TILED_API_KEY", API_KEY)
    return made


def test_files_of_all_formats_are_uploaded(client: Container, run: Run) -> None:
    np.save("x.npy", np.arange(6).reshape(2, 3))
    np.savez("z.npz", a=np.arange(3))
    tifffile.imwrite("img.tif", np.arange(6, dtype="u2").reshape(2, 3))
    Path("log.csv").write_text("time,count\n0.5,7\n")
    pq.write_table(pa.table({"s": ["a", None]}), "s.parquet")
    with h5py.File("scan.h5", "w") as file:
        file.attrs["sample"], file["entry/counts"], file["title"] = "A", np.arange(3), "hello"
    Path("meta.json").write_text('{"color": "red"}')
    files = ["x.npy", "z.npz", "img.tif", "log.csv", "s.parquet", "scan.h5"]
    done = run("put", *files, "--to", "a/b", "--parents", "-m", "t=4.2", "--json")
    assert [node["key"] for node in done.value] == ["x", "z", "img", "log", "s", "scan"]
    assert run("put", "meta.json", "--to", "a/b/x").code == 0
    found = client["a", "b"]
    assert found["x"].read().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["x"].metadata == {"t": 4.2, "color": "red"}
    assert found["z", "a"].read().tolist() == [0, 1, 2]
    assert found["img"].read().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["log"].read_arrow().to_pydict() == {"time": [0.5], "count": [7]}
    assert found["s"].read_arrow().to_pydict() == {"s": ["a", None]}
    assert found["scan"].metadata == {"sample": "A", "t": 4.2}
    assert found["scan", "entry", "counts"].read().tolist() == [0, 1, 2]
    assert found["scan", "title"].read() == "hello"


def test_files_of_keys_that_exist_are_uploaded_as_told(client: Container, run: Run) -> None:
    np.savez("z.npz", a=np.arange(3))
    assert run("put", "z.npz").code == 0
    assert run("put", "z.npz").code == 6
    np.savez("z.npz", a=np.arange(3) + 1)
    assert run("put", "z.npz", "--if-exists", "open").code == 0
    assert client["z", "a"].read().tolist() == [1, 2, 3]
    np.savez("z.npz", a=np.arange(5.0))
    assert run("put", "z.npz", "--if-exists", "replace").code == 0
    assert client["z", "a"].read().tolist() == [0, 1, 2, 3, 4]


def test_a_container_is_downloaded_as_a_folder_that_can_be_uploaded(
    client: Container, run: Run
) -> None:
    scan = client.create_container("scan", metadata={"sample": "A"})
    scan.write_array(np.arange(3), key="x", metadata={"unit": "m"})
    scan.create_container("deep").write_table({"t": [1, 2]}, key="log")
    assert run("get", "scan").code == 0
    assert np.load("scan/x.npy").tolist() == [0, 1, 2]
    assert run("get", "scan").code == 6
    assert run("put", "scan", "-k", "copy").code == 0
    copy = client["copy"]
    assert (copy.metadata, copy["x"].metadata) == ({"sample": "A"}, {"unit": "m"})
    assert copy["x"].read().tolist() == [0, 1, 2]
    assert copy["deep", "log"].read_arrow().to_pydict() == {"t": [1, 2]}
    assert run("get", "scan", "scan.h5").code == 0
    with h5py.File("scan.h5") as file:
        assert file["deep/log/t"][:].tolist() == [1, 2]


def test_a_node_is_downloaded_in_parts_and_to_standard_output(client: Container, run: Run) -> None:
    client.write_array(np.arange(12).reshape(3, 4), key="x")
    client.write_table({"time": [0.5], "count": [7]}, key="log")
    assert run("get", "x", "part.npy", "-s", "1,::2").code == 0
    assert np.load("part.npy").tolist() == [4, 6]
    assert np.load(io.BytesIO(run("get", "x", "-", "-f", "npy").out)).shape == (3, 4)
    assert run("get", "log", "-", "-c", "count").text.split() == ['"count"', "7"]
    refused = run("get", "x", "part.npy")
    assert (refused.code, "pass --force" in refused.err) == (6, True)
    assert run("get", "x", "part.npy", "--force", "--json").value == {"files": ["part.npy"]}
    assert run("get", "log", "-s", "1").code == 2


def test_listings_are_text_for_people_and_json_for_programs(client: Container, run: Run) -> None:
    client.write_array(np.zeros((3, 4)), key="x", metadata={"n": 1}, specs=["scan"])
    client.create_container("c").write_table({"time": [0.5]}, key="log")
    assert run("ls").text == "x\nc\n"
    assert run("ls", "--sort=-id", "-n", "1").text == "x\n"
    assert run("ls", "-l").text == "x\tarray\t3 x 4\tfloat64\tscan\nc\tcontainer\t\t\t\n"
    (x, c) = run("ls", "--json").value
    assert (x["key"], x["structure"]["shape"], x["metadata"]) == ("x", [3, 4], {"n": 1})
    assert c["structure"] is None
    tree = run("tree").text
    assert "── x  array 3 x 4 float64" in tree
    assert "── log  table 1 column" in tree
    assert "log" not in run("tree", "-d", "1").text
    nested = run("tree", "--json", "-n", "1").value
    assert ([child["key"] for child in nested["children"]], nested["more"]) == (["x"], 1)
    assert run("tree", "-n", "1").text.splitlines()[-1].endswith("... 1 more")
    info = run("info", "x").text
    assert "shape     3 x 4\n" in info
    assert "metadata  n: 1\n" in info
    assert run("info", "c/log", "--json").value["data_sources"][0]["structure_family"] == "table"


def test_updates_are_printed_a_line_each(client: Container, run: Run) -> None:
    x = client.write_array(np.arange(3), key="x")
    x.patch([5], offset=1)
    x.close_stream()
    lines = run("watch", "x", "--start", "oldest")
    assert lines.text.splitlines()[0].endswith("       1  (3)  [0 1 2]")
    assert lines.text.splitlines()[1].endswith("       2  (1) at (1)  [5]")
    assert lines.err == "The stream was closed.\n"
    updates = run("watch", "x", "--start", "oldest", "--json", "-n", "2").text.splitlines()
    assert [json.loads(line)["data"] for line in updates] == [[0, 1, 2], [5]]
    client.write_table({"time": [0.5], "count": [7]}, key="log")
    heading, row = run("watch", "log", "--start", "oldest", "-n", "1").text.splitlines()
    assert heading.split() == ["time", "count"]
    assert row.split()[1:] == ["1", "0.5", "7"]
    children = run("watch", "--start", "oldest", "-n", "2").text.splitlines()
    assert children[0].endswith("created x (array)")
    client.close_stream()
    everything = run("watch", "-r", "--start", "oldest", "-n", "5", "--json").text.splitlines()
    assert {json.loads(line)["event"] for line in everything} == {"new_data", "child_created"}


@pytest.fixture
def watching(client: Container, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that watches the container, ready for its updates."""
    command = [sys.executable, "-m", "tiled_client", "watch", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def test_ctrl_c_ends_a_watcher_quietly(client: Container, watching: subprocess.Popen[str]) -> None:
    assert watching.stdout is not None
    seen = threading.Event()

    def produce() -> None:
        # Until it watches: there is no sign of it before the first update.
        number = 0
        while not seen.wait(0.2):
            client.create_container(f"c{number}")
            number += 1

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        assert json.loads(watching.stdout.readline())["event"] == "child_created"
    finally:
        seen.set()
        producer.join()
    watching.send_signal(2)
    _, err = watching.communicate(timeout=60)
    assert (watching.returncode, err) == (0, "")


def test_errors_are_one_sentence_and_an_exit_code(client: Container, run: Run) -> None:
    client.write_array(np.arange(3), key="x")
    np.save("x.npy", np.arange(3))
    Path("notes.txt").write_text("x")
    for arguments, code in (
        (("get", "nope"), 3),
        (("info", "nope/x"), 3),
        (("put", "missing.npy"), 3),
        (("put", "notes.txt"), 1),
        (("put", "x.npy"), 6),
        (("--api-key", "wrong", "ls"), 4),
        (("ls", "--uri", "http://127.0.0.1:9"), 5),
        (("ls", "--uri", "nonsense"), 1),
        (("ls", "-p", "nope"), 3),
        (("watch", "x", "--start", "soon"), 2),
        (("ls", "--uri", "http://h", "-p", "p"), 2),
        (("put", "x.npy", "-m", "nonsense"), 2),
    ):
        outcome = run(*arguments)
        lines = outcome.err.strip().splitlines()
        assert (outcome.code, outcome.out) == (code, b""), (arguments, outcome)
        assert lines[-1].startswith("Error: "), (arguments, lines)
        assert code == 2 or len(lines) == 1, (arguments, lines)
        assert "Traceback" not in outcome.err


def test_profiles_are_created_and_used(server: RunningServer, run: Run) -> None:
    assert run("ls").code == 2
    made = run("profile", "create", "p", "--uri", server.uri, "--api-key", API_KEY, "--default")
    assert made.code == 0
    assert run("ls", "-n", "1").code == 0
    assert run("-p", "p", "ls", "-n", "1").code == 0
    (listed,) = run("profile", "list", "--json").value
    assert (listed["name"], listed["default"]) == ("p", True)
    shown = run("profile", "show", "p").text
    assert (API_KEY in shown, server.uri in shown) == (False, True)
    assert API_KEY in run("profile", "show", "p", "--show-secrets").text
    assert run("profile", "create", "p", "--uri", "http://h").code == 6
    assert run("profile", "get-default").text == "p\n"
    assert run("profile", "set-default", "--none").code == 0
    assert run("profile", "get-default").code == 1
    assert run("profile", "delete", "p").code == 0
    assert run("profile", "list").text == ""
    assert str(Path.cwd().parent / "config" / "profiles") in run("profile", "paths").text


def test_a_login_is_saved_and_keys_are_managed(
    multiuser_server: RunningServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_URI", multiuser_server.uri)
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORDS["alice"] + "\n"))
    assert run("login", "-u", "alice", "--password-stdin").code == 0
    assert "alice (local)" in run("whoami").text
    key = run("api-key", "create", "--note", "t", "--expires-in", "1h", "--json").value
    assert run("whoami", "--api-key", key["secret"], "--json").value["type"] == "user"
    listed = run("api-key", "list", "--json").value
    assert {"t"} <= {each["note"] for each in listed}
    assert run("api-key", "revoke", key["first_eight"]).code == 0
    assert run("whoami", "--api-key", key["secret"]).code == 4
    assert len(run("api-key", "create").text.strip()) > 16
    assert run("logout").code == 0
    assert "no saved login" in run("logout").err
    assert run("api-key", "create", "--expires-in", "soon").code == 2


def test_a_server_without_users_has_one_key(client: Container, run: Run) -> None:
    assert "server's own API key" in run("whoami").text
    refused = run("api-key", "list")
    assert (refused.code, "has no users" in refused.err) == (1, True)


def test_help_is_quick_and_the_module_can_be_run() -> None:
    program = "import sys; from tiled_client.command_line import main; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "rich", "requests", "pyarrow", "yaml", "websockets"}
    assert not heavy & set(loaded.stdout.split())
    command = [sys.executable, "-m", "tiled_client", "--help"]
    begun = time.monotonic()
    helped = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert helped.stdout.startswith("Usage: tiled-client [OPTIONS] COMMAND"), helped.stderr
    assert time.monotonic() - begun < 20
