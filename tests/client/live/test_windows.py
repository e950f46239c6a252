"""Live plots in windows of matplotlib, on a screen of their own: drawn on the main thread alone."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import API_KEY
from tests.screen import virtual_screen
from tests.servers import RunningServer
from tiled_client import from_uri

PROGRAM = Path(__file__).with_name("window_program.py")
PATIENCE = 120
QT = ("PyQt6", "PySide6", "PyQt5")


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with virtual_screen() as display:
        yield display


@pytest.mark.parametrize("backend", ["tkagg", "qtagg"])
def test_a_window_shows_all_that_100_updates_brought(
    backend: str, server: RunningServer, request: pytest.FixtureRequest
) -> None:
    if backend == "tkagg":
        pytest.importorskip("tkinter", exc_type=ImportError)
    if backend == "qtagg" and not any(map(importlib.util.find_spec, QT)):
        pytest.skip(f"none of {', '.join(QT)} is installed")
    root = from_uri(server.uri, api_key=API_KEY).create_container()
    environment = {
        **os.environ,
        "DISPLAY": request.getfixturevalue("screen"),
        "MPLBACKEND": backend,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    run = subprocess.run(
        [sys.executable, str(PROGRAM), root.uri, API_KEY],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["backend"] == backend
    assert report["ended"] == [True, True]
    assert report["on_main_thread"] == [True], "a thread of a stream has drawn"
    assert report["image"] == [100], "the last image is shown"
    assert report["x"] == [n / 2 for n in range(101)], "no row is left out"
    assert report["y"] == list(range(101))
    assert re.fullmatch(r"frames: ended, #101(, \d+ skipped)?", report["titles"][0])
    assert report["titles"][1] == "log: ended, #101"
    assert min(report["shown"]) >= 2
    assert report["windows"] == []
