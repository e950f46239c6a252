"""What the pages say, run: their code against a real server, their tables against the code.

A block of code that begins with "py ROLE" is pasted into the plain interpreter, one session for
each role; "py script" is saved and run as a process, "py module" is saved to be imported. A block
"text" after it is what that role, or the one that it names, has printed since. Each page is read
twice on one server.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from code import InteractiveConsole
from collections import defaultdict
from pathlib import Path
from threading import Thread
from typing import IO, Any

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
    "how-to/write-from-a-fast-detector.md",
    "how-to/write-sparse-ragged-awkward.md",
    "how-to/follow-a-stream.md",
    "how-to/register-external-files.md",
    "how-to/add-a-file-format.md",
    "how-to/export.md",
    "how-to/change-and-export-nodes.md",
    "how-to/check-metadata-by-specs.md",
    "how-to/search.md",
    "how-to/use-dask-and-xarray.md",
    "how-to/plot-live.md",
    "how-to/use-profiles.md",
    "how-to/use-the-client-with-asyncio.md",
]
LINK = re.compile(r"\]\(([^)#\s]+)(#[\w-]+)?\)")
PATIENCE = 20


class Session(InteractiveConsole):
    """The plain interpreter: a line that is not indented ends no block, an empty line does."""

    def push(self, line: str, *rest: Any) -> bool:
        """Take a line; what expressions return is not shown."""
        shown, sys.displayhook = sys.displayhook, lambda value: None
        try:
            return super().push(line, *rest)
        finally:
            sys.displayhook = shown

    def showtraceback(self) -> None:
        """Fail, as the code of a page must not."""
        raise

    def showsyntaxerror(self, *rest: Any, **options: Any) -> None:
        """Fail, as for an exception."""
        raise


class Reader:
    """Somebody who types what a page says."""

    def __init__(self, words: dict[str, str], root: str) -> None:
        self._words = words
        self._root = root
        self._names: dict[str, dict[str, Any]] = {}
        self._printed: dict[str, list[str]] = defaultdict(list)
        self._processes: list[subprocess.Popen[str]] = []
        self._readers: list[Thread] = []

    def run(self, role: str, code: str) -> None:
        """Type a block of code into the session of `role`."""
        for said, meant in self._words.items():
            code = code.replace(said, meant)
        names = self._names.setdefault(role, {"print": self._print_of(role)})
        if role == "script":
            self._start(code)
        elif role == "module":
            exec(compile(code, f"<{role}>", "exec"), names)
        else:
            session = Session(names, f"<{role}>")
            more = [session.push(line) for line in [*code.splitlines(), ""]]
            assert not more[-1], code

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
        for process in self._processes:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for names in self._names.values():
            for subscription in (n for n in names.values() if isinstance(n, Subscription)):
                subscription.disconnect()

    def _start(self, code: str) -> None:
        Path("script.py").write_text(code)
        command = [sys.executable, "-u", "script.py"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._processes.append(process)
        assert process.stdout is not None
        self._readers.append(Thread(target=self._copy, args=[process.stdout], daemon=True))
        self._readers[-1].start()

    def _copy(self, lines: IO[str]) -> None:
        with lines:
            self._printed["script"].extend(lines)

    def _read(self, role: str) -> str:
        # The root of the page is a container of the test.
        return "".join(self._printed[role]).replace(f"'/{self._root}/", "'/")

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
    profiles = tmp_path / "config" / "profiles"
    monkeypatch.setenv("TILED_PROFILES", str(profiles))
    monkeypatch.setenv("MPLBACKEND", "agg")
    words = {
        "http://localhost:8000": root.uri,
        "/data/beamline": str(readable),
        "~/.config/tiled/profiles": str(profiles),
    }
    for _ in range(2):
        read_page(Reader(words, root.path[-1]), (DOCS / name).read_text())


def read_page(reader: Reader, text: str) -> None:
    role = ""
    try:
        for kind, named, content in BLOCK.findall(text):
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
