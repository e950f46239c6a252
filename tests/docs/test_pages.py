"""What the pages say, run: their code against a real server, their tables against the code.

A block of code that begins with "py ROLE" is run, each role in a namespace of its own; a block
"text" after it is what that role, or the one that it names, has printed since.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer
from tiled_client import Subscription, from_uri

DOCS = PROJECT / "docs"
BLOCK = re.compile(r"^```(py|text) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    "../README.md",
    "tutorial.md",
    "how-to/write-from-a-detector.md",
    "how-to/write-sparse-ragged-awkward.md",
    "how-to/follow-a-stream.md",
    "how-to/register-external-files.md",
    "how-to/add-a-file-format.md",
    "how-to/export.md",
    "how-to/change-and-export-nodes.md",
    "how-to/check-metadata-by-specs.md",
    "how-to/search.md",
]
LINK = re.compile(r"\]\(([^)#\s]+)(#[\w-]+)?\)")
PATIENCE = 20


class Reader:
    """Somebody who types what a page says."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words
        self._names: dict[str, dict[str, Any]] = {}
        self._printed: dict[str, list[str]] = defaultdict(list)

    def run(self, role: str, code: str) -> None:
        """Type a block of code into the session of `role`."""
        for said, meant in self._words.items():
            code = code.replace(said, meant)
        names = self._names.setdefault(role, {"print": self._print_of(role)})
        exec(compile(code, f"<{role}>", "exec"), names)

    def expect(self, role: str, text: str) -> None:
        """Wait until `role` has printed `text`, and nothing else, since the last time."""
        deadline = time.monotonic() + PATIENCE
        while len(self._read(role)) < len(text) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self._read(role) == text
        self._printed[role].clear()

    def finish(self) -> None:
        """Whatever was printed was on the page."""
        left = {role: self._read(role) for role in self._names if self._read(role)}
        assert left == {}

    def leave(self) -> None:
        """End the sessions."""
        for names in self._names.values():
            for subscription in (n for n in names.values() if isinstance(n, Subscription)):
                subscription.disconnect()

    def _read(self, role: str) -> str:
        return "".join(self._printed[role])

    def _print_of(self, role: str) -> Any:
        def printed(*values: object) -> None:
            self._printed[role].append(" ".join(map(str, values)) + "\n")

        return printed


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_it_says(
    name: str,
    server: RunningServer,
    readable: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = from_uri(server.uri, api_key=API_KEY).create_container()
    monkeypatch.chdir(tmp_path)
    reader = Reader({"http://localhost:8000": root.uri, "/data/beamline": str(readable)})
    role = ""
    try:
        for kind, named, content in BLOCK.findall((DOCS / name).read_text()):
            if kind == "py" and named:
                role = named
                reader.run(role, content)
            elif kind == "text" and role:
                reader.expect(named or role, content)
        reader.finish()
    finally:
        reader.leave()


def test_the_reference_says_what_the_code_says() -> None:
    command = [sys.executable, "docs/reference/generate.py", "--check"]
    checked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    "page", [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        found = page.parent / target
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor[1:] in _anchors(found.read_text()), f"{target}{anchor}"


def _anchors(text: str) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
