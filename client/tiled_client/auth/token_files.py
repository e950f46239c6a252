"""Where tokens are kept for the next time: a file for each server, of this user alone."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..settings import cache_folder


class TokenFile:
    """The file for one server."""

    def __init__(self, root: str, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder() / "tokens") / f"{quote(root, safe='')}.json"

    def read(self) -> dict[str, Any]:
        """What is kept; nothing where there is no such file, or none that can be read."""
        try:
            kept = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def write(self, value: dict[str, Any]) -> None:
        """Keep `value`, whole or not at all, readable by nobody else."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with mode 0600.
        descriptor, draft = tempfile.mkstemp(dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(value, file)
            os.replace(draft, self.path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Keep nothing."""
        self.path.unlink(missing_ok=True)
