"""Watch a folder for changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import watchfiles

from .registrar import Registrar

# How long changes are collected before a scan, and at most, in milliseconds.
STEP_MS, MAX_DEBOUNCE_MS = 50, 1000
# How long without changes until unreadable files are retried, in milliseconds.
QUIET_MS = 1000


def watch(registrar: Registrar, stop: threading.Event) -> Iterator[None]:
    """Keep nodes consistent with the files until `stop` is set; yield after each scan.

    No change is missed between the first scan and the first notification, and changes during a
    scan cause another one.
    """
    changes = watchfiles.watch(
        registrar.root,
        watch_filter=None,
        stop_event=stop,
        step=STEP_MS,
        debounce=MAX_DEBOUNCE_MS,
        rust_timeout=QUIET_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    complete = False
    for batch in changes:
        if not complete:
            registrar.scan(registrar.root)
            complete = True
        else:
            _scan_changed(registrar, [Path(path) for _, path in batch])
        yield


def _scan_changed(registrar: Registrar, changed: list[Path]) -> None:
    """Scan the folders with changes, and new folders as a whole."""
    quiet = not changed
    folders = (
        set(registrar.unread) if quiet else {registrar.folder_to_scan(path) for path in changed}
    )
    for folder in sorted(folders):
        registrar.scan_one(folder)
    for path in sorted(set(changed)):
        if registrar.is_folder(path):
            registrar.scan(path)
