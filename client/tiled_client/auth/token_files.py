"""Files that keep tokens between sessions: one for each server, readable by its user only."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..settings import cache_folder


class TokenFile:
    """The file that keeps the tokens of one server."""

    def __init__(self, root: str, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder() / "tokens") / f"{quote(root, safe='')}.json"

    @classmethod
    def at(cls, path: str | Path) -> TokenFile:
        """Return the file at a path."""
        file = cls.__new__(cls)
        file.path = Path(path)
        return file

    def read(self) -> dict[str, Any]:
        """Return the stored object; empty if the file is missing or unreadable."""
        try:
            stored = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def write(self, value: dict[str, Any]) -> None:
        """Replace the file atomically, with mode 0600."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp creates files with mode 0600.
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(value, file)
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Delete the file, if it exists."""
        self.path.unlink(missing_ok=True)
