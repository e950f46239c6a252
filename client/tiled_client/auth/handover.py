"""Files that hand credentials over to other processes of the same user.

A pickle may be stored, logged or sent over a network, so it never contains a secret: it names a
file that only this user can read. The files of a process are removed when it exits, and those of
one that was killed when another makes files.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

PREFIX = "tiled-client-"
# A file in each folder, locked as long as a process has it open.
LOCK = "lock"
# A folder that is younger may not be locked yet.
SWEEP_AFTER_SECONDS = 60.0

_lock = threading.Lock()
_folders: dict[int, Path] = {}
_paths: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def new_file() -> Path:
    """Return the path for a new file, in a folder of this process that only its user can open."""
    return _folder() / f"{uuid.uuid4().hex}.json"


def file_of(owner: Any, secret: dict[str, Any]) -> str:
    """Return the path of the file that has a secret of `owner`, with mode 0600.

    The file is written by the first call for this owner. One owner has one secret.
    """
    path = _paths.get(owner)
    if path is None:
        path = str(new_file())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(secret, file)
        _paths[owner] = path
    return path


def adopt_file(owner: Any, path: str) -> None:
    """Use a file that exists for the secret of `owner`."""
    _paths[owner] = path


def read_secret(path: str) -> dict[str, Any] | None:
    """Return the object in a file; None if there is no such file, or it cannot be read."""
    try:
        value = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _folder() -> Path:
    process = os.getpid()
    with _lock:
        if process not in _folders:
            # A forked process has its own folder: it may end before its parent does.
            runtime = os.environ.get("XDG_RUNTIME_DIR", "")
            parent = runtime if os.access(runtime, os.W_OK) else None
            folder = _folders[process] = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            _remove_at_exit(process)
            _hold(folder)
            _sweep(folder.parent)
        return _folders[process]


def _remove_at_exit(process: int) -> None:
    import multiprocessing
    from multiprocessing import util

    if multiprocessing.parent_process() is None:
        atexit.register(_remove, process)
    else:
        # Processes of this library end without the functions of atexit.
        util.Finalize(None, _remove, args=(process,), exitpriority=0)


def _hold(folder: Path) -> None:
    """Lock a folder until this process, and those forked from it, are gone."""
    with suppress(ImportError, OSError):
        import fcntl

        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that were killed."""
    with suppress(ImportError):
        import fcntl

        for path in parent.glob(f"{PREFIX}*/{LOCK}"):
            with suppress(OSError), path.open("rb") as file:
                status = os.fstat(file.fileno())
                old = time.time() - status.st_mtime > SWEEP_AFTER_SECONDS
                if old and status.st_uid == os.getuid():
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path.parent, ignore_errors=True)


def _remove(process: int) -> None:
    # A forked process inherits the registration of its parent, whose files it must leave.
    if process == os.getpid():
        shutil.rmtree(_folders[process], ignore_errors=True)
