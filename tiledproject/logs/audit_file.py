"""The file of the audit log, which all worker processes append to."""

from __future__ import annotations

import os
from logging.handlers import WatchedFileHandler
from typing import Any


class AuditFileHandler(WatchedFileHandler):
    """Append lines to a file that only the server's user may write, created at first use.

    A file that was renamed or removed is created again. Each line is one `write` in append mode, so
    that lines of several processes do not mix.
    """

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", delay=True)

    def _open(self) -> Any:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_private)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)
