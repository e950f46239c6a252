"""The mark of the site that a storage directory belongs to: a file in it."""

from __future__ import annotations

import itertools
import time
import uuid
from contextlib import suppress
from pathlib import Path

from ....config import storage_settings
from ..known_nodes import BATCH, missing
from .cleanup import node_folders

FILE = ".site"
# In seconds: another server may have created the file, and be about to write to it.
WAIT_SECONDS = 2.0


class FolderMark:
    """The file `.site` in the storage directory."""

    @property
    def place(self) -> str:
        """The setting, and the folder."""
        return f"storage.directory {storage_settings().directory}"

    @property
    def address(self) -> str:
        """The path of the file."""
        return str(self._file)

    @property
    def _file(self) -> Path:
        return storage_settings().directory / FILE

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self._file.exists()

    def read(self) -> uuid.UUID | None:
        """Return the mark in the file; wait while another server is writing it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (text := self._file.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        with suppress(ValueError):
            return uuid.UUID(text)
        return None

    def create(self, mark: uuid.UUID) -> bool:
        """Write the mark to a new file; return False if another server was faster."""
        try:
            _write_new(self._file, mark)
        except FileExistsError:
            return False
        return True

    def replace(self, mark: uuid.UUID) -> None:
        """Write the mark atomically over an existing one."""
        draft = self._file.with_name(f"{FILE}.{uuid.uuid4().hex}")
        _write_new(draft, mark)
        draft.replace(self._file)

    def remove(self) -> None:
        """Remove the file."""
        self._file.unlink(missing_ok=True)

    def foreign(self) -> str | None:
        """Return the name of a folder of a node, if there are some and all are unknown."""
        folders = node_folders(storage_settings().directory)
        if (first := next(folders, None)) is None:
            return None
        found = itertools.chain([first], folders)
        while some := list(itertools.islice(found, BATCH)):
            if len(missing(some)) < len(some):
                return None
        return f"folders of nodes, {first.hex} for one,"


def _write_new(file: Path, mark: uuid.UUID) -> None:
    with file.open("x") as new:
        new.write(f"{mark}\n")
