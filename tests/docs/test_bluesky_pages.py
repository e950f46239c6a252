"""The pages on bluesky and ophyd, run: the blocks of a beamline in an environment with bluesky."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer
from tiled_client import BlueskyRun, from_uri, register_special_client
from tools.backends.tiled_reference import reference_python

from .test_pages import DOCS, Reader, read_page

PAGES = [
    "how-to/read-bluesky-runs.md",
    "how-to/from-areadetector-and-ophyd.md",
    "how-to/write-from-bluesky.md",
]
BEAMLINE = "beamline"


class Beamline:
    """A Python process with bluesky, ophyd, Tiled's client, and the one of this project."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [reference_python(), Path(__file__).with_name("beamline.py")],
            env={**os.environ, "PYTHONPATH": str(PROJECT / "client")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def type(self, code: str) -> list[str]:
        """Run a block of code, and return the lines that it prints."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        return list(iter(self._process.stdout.readline, "done\n"))

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


class ReaderAtBeamline(Reader):
    """A reader who has a second terminal, at the beamline."""

    def __init__(self, words: dict[str, str], root: str, beamline: Beamline) -> None:
        super().__init__(words, root)
        self._beamline = beamline

    def run(self, role: str, code: str) -> None:
        """Type a block of code into the session of `role`."""
        if role != BEAMLINE:
            super().run(role, code)
            return
        for said, meant in self._words.items():
            code = code.replace(said, meant)
        self._printed[role] += self._beamline.type(code)
        self._names.setdefault(role, {})


@pytest.fixture(scope="module")
def beamline() -> Iterator[Beamline]:
    """The process of the beamline."""
    process = Beamline()
    yield process
    process.stop()


@pytest.fixture
def _same_classes() -> Iterator[None]:
    """Undo what a page registers."""
    yield
    register_special_client("BlueskyRun", BlueskyRun)


@pytest.mark.usefixtures("_same_classes")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_it_says(
    name: str,
    server: RunningServer,
    beamline: Beamline,
    readable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = from_uri(server.uri, api_key=API_KEY).create_container()
    monkeypatch.chdir(tmp_path)
    words = {"http://localhost:8000": root.uri, "/data/beamline": str(readable)}
    read_page(ReaderAtBeamline(words, root.key, beamline), (DOCS / name).read_text())
