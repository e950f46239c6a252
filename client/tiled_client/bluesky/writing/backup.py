"""Documents of runs that could not be written, for those who replay them later."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from .connections import Callback, RunCallback

logger = logging.getLogger("tiled_client.bluesky")


class Backup:
    """Calls `primary` until it fails; from then on, all documents of the run go to `backups`.

    A run that was written in part receives nothing more, its end least of all, so that it does not
    look complete.
    """

    def __init__(self, primary: RunCallback, backups: Sequence[Callback]) -> None:
        self._primary, self._backups = primary, backups
        self._documents: list[tuple[str, Any]] = []
        self._failed = False

    def __call__(self, name: str, document: Any) -> None:
        """Take a document; failures are logged."""
        self._documents.append((name, document))
        if not self._failed:
            try:
                self._primary(name, document)
            except Exception:
                logger.exception(
                    "The run could not be written: all of its documents go to the backup, "
                    "beginning with its start"
                )
                self._failed = True
                self._primary.abandon()
        if self._failed:
            documents, self._documents = self._documents, []
            for one in documents:
                self._save(*one)

    def _save(self, name: str, document: Any) -> None:
        for backup in self._backups:
            try:
                backup(name, document)
            except Exception:
                logger.exception("The backup of a document %r failed", name)
