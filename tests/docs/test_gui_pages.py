"""The code of pages about graphical interfaces, run on a virtual screen where these are installed.

`GUI_PYTHON` names the Python of another environment to run it with, such as one that has napari.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import API_KEY
from tests.screen import virtual_screen
from tests.servers import PROJECT, RunningServer
from tiled_client import from_uri

PROGRAM = Path(__file__).with_name("gui_program.py")
PYTHON = os.environ.get("GUI_PYTHON", sys.executable)
PATIENCE = 180


def run(page: str, role: str, server: RunningServer, *, requires: str) -> Any:
    """Run the code of a page, and return what its windows have shown."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "client")}
    found = subprocess.run(
        [PYTHON, "-c", f"import {requires}"], env=environment, capture_output=True
    )
    if found.returncode != 0:
        pytest.skip(f"{requires} cannot be imported by {PYTHON}: {found.stderr.decode()[-200:]}")
    root = from_uri(server.uri, api_key=API_KEY).create_container()
    root.write_array(np.zeros((1, 64, 96)), key="camera")
    command = [PYTHON, str(PROGRAM), str(PROJECT / "docs/how-to" / page), role, root.uri, API_KEY]
    with virtual_screen() as display:
        environment["DISPLAY"] = display
        ran = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_the_qt_application_shows_the_newest_update(server: RunningServer) -> None:
    report = run("plot-live.md", "qt", server, requires="qtpy.QtWidgets")
    assert report == {"shown": 20, "state": "closed"}


def test_napari_shows_the_newest_image_and_all_of_them(server: RunningServer) -> None:
    report = run("use-napari.md", "napari", server, requires="napari")
    assert report == {"shown": 20, "state": "closed", "step": 20, "images": 22}
