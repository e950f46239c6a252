"""Pictures of the page as artefacts of a run: of some views always, of open pages on failure."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page

from tests.servers import PROJECT

FOLDER = Path(os.environ.get("TEST_ARTIFACTS") or PROJECT / ".ci" / "artifacts")
_open: list[Page] = []


@contextmanager
def pictured(page: Page) -> Iterator[Page]:
    """Save a picture of the page if the block, or a test meanwhile, fails."""
    _open.append(page)
    try:
        yield page
    except Exception:
        save_failure(os.environ.get("PYTEST_CURRENT_TEST", "unknown").partition(" ")[0])
        raise
    finally:
        _open.remove(page)


def save_failure(test: str) -> None:
    """Save pictures of all open pages, named after a test."""
    for number, page in enumerate(_open):
        # A browser that has crashed must not hide the failure of the test.
        with contextlib.suppress(Error):
            save_picture(page, f"failed-{test.rpartition('/')[2]}-{number}")


def save_picture(page: Page, name: str) -> None:
    """Save what a page shows as PNG."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{re.sub('[^A-Za-z0-9_.-]+', '-', name)}.png"
    page.screenshot(path=path, animations="disabled", timeout=30_000)
