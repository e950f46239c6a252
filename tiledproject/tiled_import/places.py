"""Where external files lie, and whether this server may read them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.config import storage_settings
from catalog.storage import external
from catalog.storage.errors import OutsideReadable, StorageError
from catalog.storage.files import uri_path
from tiled_client.wire.data_sources import Asset

from .report import ImportReport

UNREADABLE = (
    "Files lie in folders that this server may not read: add these to the setting "
    "storage.readable, or import with --copy-data. The nodes are imported"
)
NOT_LOCAL = "Data that are not in local files cannot be read; the nodes are imported"
# Folders with a path of fewer parts, such as /data, are not joined with others.
DEPTH = 3


@dataclass(slots=True)
class Places:
    """The folders of files outside storage.readable, each as high as files below it require."""

    outside: dict[tuple[str, ...], str] = field(default_factory=dict)

    def check(self, assets: Sequence[Asset], path: str, report: ImportReport) -> None:
        """Note the folder of the files of a node if they cannot be read; the first and the last."""
        for asset in (*assets[:1], *assets[1:][-1:]):
            try:
                external.resolve_uri(asset.data_uri, storage_settings().readable)
            except OutsideReadable:
                self._add(uri_path(asset.data_uri))
            except StorageError:
                report.find(NOT_LOCAL, f"{path}: {asset.data_uri}")

    def tell(self, report: ImportReport) -> None:
        """Add the folders to the report."""
        for folder in sorted(self.outside.values()):
            report.find(UNREADABLE, folder)

    def _add(self, file: Path) -> None:
        key = file.parts[: DEPTH + 1]
        known = self.outside.get(key, str(file.parent))
        self.outside[key] = os.path.commonpath([known, str(file.parent)])
