"""The live web page in Chromium, with server, producer and browser on the same processors.

Run by hand: `python -m benchmarks.web [--only memory] [--seconds 20] [--minutes 10]`. Images come
from a producer that writes 1448 x 1448 uint16 at 20 frames per second; their age is measured
against its clock. The first view of some nodes is compared with Tiled's page on the same API.
Chromium draws as it does without a graphics card; with `--graphics webgl` it draws with WebGL, in
software where there is no card. `--busy 2` takes processor time from all of them. `--profile FILE`
writes profiles of the main thread, which its developer tools load.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from tests.web.browser import ARGUMENTS, chromium

from ..catalog import LARGE
from ..peers import PROJECT, Peer, ours
from . import views, works
from .tiled_page import tiled_page

GRAPHICS = {"none": ["--no-sandbox", "--disable-gpu"], "webgl": ARGUMENTS}


def main() -> None:
    """Measure, and print tables in Markdown."""
    options = _options()
    parts: dict[str, Callable[[Peer, Browser, argparse.Namespace], None]] = {
        "images": _images,
        "use": _use,
        "views": _views,
        "memory": _memory,
    }
    chosen = [part for name, part in parts.items() if options.only in name]
    with tempfile.TemporaryDirectory(prefix="tiled-bench-") as folder:
        if _views in chosen:
            _make_catalog(folder)
        with ours(Path(folder)) as peer, chromium(usual=GRAPHICS[options.graphics]) as browser:
            for part in chosen:
                part(peer, browser, options)
                _print(f"\nLoad of the machine: {os.getloadavg()[0]:.1f} of {os.cpu_count()}.\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="parts whose name contains this text")
    parser.add_argument("--rounds", type=int, default=3, help="turns for each first view")
    parser.add_argument("--seconds", type=float, default=20, help="for images, line and table")
    parser.add_argument("--minutes", type=float, default=1, help="for the memory")
    parser.add_argument("--samples", type=int, default=10, help="of the memory")
    parser.add_argument("--graphics", choices=GRAPHICS, default="none", help="how to draw")
    parser.add_argument("--busy", type=int, default=0, help="busy processes beside the images")
    parser.add_argument("--profile", type=Path, help="where to write profiles of the images")
    return parser.parse_args()


def _make_catalog(folder: str) -> None:
    # In a separate process: the settings of this one are read already, for another folder.
    code = "import sys, pathlib; from benchmarks.catalog import make; "
    code += "make(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, folder, str(LARGE)], cwd=PROJECT, check=True)


def _images(peer: Peer, browser: Browser, options: argparse.Namespace) -> None:
    _print(works.IMAGES_HEADING)
    with _busy(options.busy):
        for panes in (1, 4):
            _print(works.images(peer, browser, panes, options.seconds, options.profile).line())


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Run processes that only take processor time."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _use(peer: Peer, browser: Browser, options: argparse.Namespace) -> None:
    _print(works.USED_HEADING)
    for work in (works.line, works.table):
        _print(work(peer, browser, options.seconds).line())


def _views(peer: Peer, browser: Browser, options: argparse.Namespace) -> None:
    _print(views.HEADING)
    with tiled_page(peer) as address:
        for view in views.views(peer):
            for line in views.compare(peer, address, browser, view, options.rounds):
                _print(line)


def _memory(peer: Peer, browser: Browser, options: argparse.Namespace) -> None:
    _print(works.MEMORY_HEADING)
    for sample in works.memory(peer, browser, options.minutes, options.samples):
        _print(sample.line())


def _print(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
