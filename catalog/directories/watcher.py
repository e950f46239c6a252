"""Hearing of changes below a folder, as long as somebody listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import watchfiles

from .registrar import Registrar

# How long changes are gathered before they are looked at, and at most; in milliseconds.
STEP_MS, MAX_DEBOUNCE_MS = 50, 1000
# How long nothing has to change before files that could not be read are looked at again.
QUIET = 1000


def watch(registrar: Registrar, stop: threading.Event) -> Iterator[None]:
    """Keep the nodes as the files are until `stop` is set; yields after each look at the files.

    Nothing is missed between the first look and the first change that is heard of: what changes
    during a look is looked at again.
    """
    changes = watchfiles.watch(
        registrar.root,
        watch_filter=None,
        stop_event=stop,
        step=STEP_MS,
        debounce=MAX_DEBOUNCE_MS,
        rust_timeout=QUIET,
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    complete = False
    for batch in changes:
        if not complete:
            registrar.scan(registrar.root)
            complete = True
        else:
            _look_again(registrar, [Path(path) for _, path in batch])
        yield


def _look_again(registrar: Registrar, changed: list[Path]) -> None:
    """Look at the folders of what has changed, and at new folders whole."""
    quiet = not changed
    folders = (
        set(registrar.unread) if quiet else {registrar.folder_to_scan(path) for path in changed}
    )
    for folder in sorted(folders):
        registrar.scan_one(folder)
    for path in sorted(set(changed)):
        if registrar.is_folder(path):
            registrar.scan(path)
