"""The page about the command line: its commands are run, and print what it shows."""

from __future__ import annotations

import re
import shlex
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import numpy as np
import pytest

from tests.buckets import in_folder
from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer
from tiled_client import from_uri
from tiled_client.command_line.main import main

PAGE = PROJECT / "docs" / "how-to" / "from-the-command-line.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ tiled-client (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@in_folder
def test_the_commands_of_the_page_print_what_it_shows(
    server: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("TILED_URI", "TILED_PROFILE", "TILED_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "config" / "profiles"))
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    np.save("frame.npy", np.arange(6).reshape(2, 3))
    Path("log.csv").write_text("time,count\n0.5,7\n1.0,8\n")
    Path("meta.json").write_text('{"exposure_time": 0.5}')
    root = from_uri(server.uri, api_key=API_KEY).create_container()
    text = PAGE.read_text()
    run = 0
    for block in BLOCK.findall(text):
        for line, expected in COMMAND.findall(block):
            with pytest.raises(SystemExit):
                main(shlex.split(line.replace("http://localhost:8000", root.uri)))
                raise SystemExit(0)
            shown = capsys.readouterr()
            # The test's container stands for the root of the server.
            found = (
                (shown.out + shown.err)
                .replace(f"/{root.key}/", "/")
                .replace(f"/{root.key}", "/")
                .replace(root.api_root, "http://localhost:8000/api/v1")
            )
            same = OutputChecker().check_output(expected, found, ELLIPSIS | NORMALIZE_WHITESPACE)
            assert same, f"$ tiled-client {line}\n{found}"
            run += 1
    assert run == text.count("$ tiled-client") - text.split("## Manage API keys")[1].count("$ ")
