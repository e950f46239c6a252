"""Register the files of a folder as nodes, and update the nodes of files that grew."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from django.db import DatabaseError

from core.errors import Conflict, NotFound, ServiceError
from core.json_limits import check_json
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

from ..lookup.nodes import resolve, split_path
from ..models import Node
from ..services.nodes.create import create_node, register_node
from ..services.nodes.data_sources import DataSourcePatch, update_data_source
from ..services.nodes.drafts import Draft, validate_key
from ..storage import external
from ..storage.bucket_files.paths import ObjectPath
from ..storage.errors import StorageError, Unreadable
from .descriptions import ROWS_PROPERTY, describe_source, inspect_dataset, list_assets
from .discovery import DiscoveredDataset, Rules, list_folder

logger = logging.getLogger(__name__)

ProgressCallback = Callable[[str], None]
"""Receives one line of text for each node that was registered, updated or rejected."""
Fingerprint = tuple[tuple[str, int, int], ...]
MAX_TRIES = 10
"""How often reading a file is retried, unless it changes."""


class Registrar:
    """Keep the nodes below the container `under` consistent with the files below `root`.

    `counts` holds how many were new, had grown, were unchanged, or could not be read (yet).
    """

    def __init__(self, root: Path, under: str, rules: Rules, tell: ProgressCallback) -> None:
        self.root = root
        self.counts: Counter[str] = Counter()
        self._under = split_path(under)
        self._rules = rules
        self._report_line = tell
        self.unread: set[Path] = set()
        """Folders with files that could not be read; they may still be incomplete."""
        self._seen: dict[str, Fingerprint] = {}
        self._failed: dict[str, tuple[Fingerprint, int]] = {}
        self._refusals: dict[str, str] = {}

    def scan(self, folder: Path) -> None:
        """Register new files in `folder` and below, and update nodes whose files grew."""
        waiting = [folder]
        while waiting:
            waiting += self.scan_one(waiting.pop())

    def scan_one(self, folder: Path) -> tuple[Path, ...]:
        """Scan one folder alone; return its subfolders, which are containers now."""
        try:
            listing = list_folder(folder, self._rules)
        except (OSError, StorageError) as error:
            self._log_rejection(folder, str(error))
            return ()
        self.unread.discard(folder)
        above = self._path_of(folder)
        for found in listing.nodes:
            self._try_register(found, [*above, found.key])
        return tuple(one for one in listing.folders if self._is_container(self._path_of(one), one))

    def folder_to_scan(self, path: Path) -> Path:
        """Return the folder to scan when `path` has changed: never one that is a data set."""
        folder = self.root
        for part in path.relative_to(self.root).parts[:-1]:
            below = folder / part
            if not below.is_dir() or self._rules.mimetype(below):
                break
            folder = below
        return folder

    def is_folder(self, path: Path) -> bool:
        """Return whether `path` is a folder that becomes a container."""
        plain = path.is_dir() and not path.is_symlink() and not self._rules.mimetype(path)
        return plain and path != self.root and self.folder_to_scan(path) == path.parent

    def _path_of(self, folder: Path) -> list[str]:
        return [*self._under, *folder.relative_to(self.root).parts]

    def _is_container(self, path: list[str], folder: Path) -> bool:
        try:
            if resolve(path).family is StructureFamily.container:
                return True
            self._log_rejection(folder, f"/{'/'.join(path)} already exists and is not a container.")
        except NotFound:
            return self._container_made(path, folder)
        return False

    def _container_made(self, path: list[str], folder: Path) -> bool:
        draft = Draft(path[-1], StructureFamily.container, {}, [], None)
        try:
            create_node(parent_path="/".join(path[:-1]), draft=draft)
        except Conflict:
            return True  # created concurrently
        except ServiceError as error:
            self._log_rejection(folder, error.detail)
            return False
        return True

    def _try_register(self, found: DiscoveredDataset, path: list[str]) -> None:
        name, looks = "/".join(path), _fingerprint(found)
        failed, tries = self._failed.get(name, (None, 0))
        if self._seen.get(name) == looks or (failed == looks and tries >= MAX_TRIES):
            return
        try:
            self._register(found, path, before=self._seen.get(name))
        except (StorageError, OSError, DatabaseError) as error:
            self._retry_later(found, name, looks)
            # NotReady files may become readable; Unreadable ones must be repaired first.
            say = self._reject if isinstance(error, Unreadable) else self._reject_for_now
            say(found.paths[-1], name, str(error))
        except (ServiceError, WireError) as error:
            self._reject(found.paths[-1], name, getattr(error, "detail", str(error)))
        else:
            self._seen[name] = looks
            self._failed.pop(name, None)
            self._refusals.pop(name, None)

    def _retry_later(self, found: DiscoveredDataset, name: str, looks: Fingerprint) -> None:
        failed, tries = self._failed.get(name, (None, 0))
        tries = tries + 1 if failed == looks else 1
        self._failed[name] = (looks, tries)
        if tries < MAX_TRIES:
            self.unread.add(found.paths[0].parent)

    def _register(
        self, found: DiscoveredDataset, path: list[str], before: Fingerprint | None
    ) -> None:
        validate_key(path[-1])
        try:
            node = resolve(path)
        except NotFound:
            self._register_new(found, path)
        else:
            self._update_node(node, found, changed=before is not None)

    def _register_new(self, found: DiscoveredDataset, path: list[str]) -> None:
        inspected = inspect_dataset(found)
        check_json(inspected.metadata)
        draft = Draft(
            key=path[-1],
            family=inspected.family,
            metadata=inspected.metadata,
            specs=inspected.specs,
            data_source=describe_source(found, inspected),
        )
        register_node(parent_path="/".join(path[:-1]), draft=draft)
        self._report("new", path, inspected.structure)

    def _update_node(self, node: Node, found: DiscoveredDataset, *, changed: bool) -> None:
        source = node.source
        before = [asset.data_uri for asset in source.wire_assets()] if source else []
        now = [asset.data_uri for asset in list_assets(found)]
        if source is None or not source.external or not before or not set(before) & set(now):
            raise Conflict(
                f"/{node.path} already exists with other data. Delete or rename that node, or the "
                "file, to register it."
            )
        gone = sorted(set(before) - set(now))
        if gone:
            raise Conflict(
                f"/{node.path} consists of files of which {gone[0]} is not there any more. Put it "
                "back, or delete the node to register the others again."
            )
        inspected = inspect_dataset(found)
        told = source.properties.get(ROWS_PROPERTY)
        same = (inspected.structure, inspected.rows) == (node.structure, told) and now == before
        if same and not (changed and inspected.family is StructureFamily.array):
            self.counts["as before"] += 1
            return
        replacement = replace(describe_source(found, inspected), id=source.pk)
        # A late file is inserted among the others, which renumbers those behind it.
        moved = now[: len(before)] != before
        patch = None if moved else _patch(node.structure, told, inspected)
        update_data_source(path=node.path, replacement=replacement, patch=patch, reorder=moved)
        what = "changed" if same or moved else "grown"
        self._report(what, node.path.split("/"), inspected.structure)

    def _report(self, what: str, path: list[str], structure: Structure | None) -> None:
        self.counts[what] += 1
        shape = f" {list(structure.shape)}" if isinstance(structure, ArrayStructure) else ""
        self._report_line(f"{what}: /{'/'.join(path)}{shape}")

    def _reject(self, path: Path, name: str, why: str) -> None:
        """Report why a file is not registered, once for each reason."""
        if self._refusals.get(name) != why:
            self._refusals[name] = why
            self._report_line(f"not registered: {path}: {why}")
        self._log_rejection(path, why)

    def _reject_for_now(self, path: Path, _: str, why: str) -> None:
        self._log_rejection(path, why)

    def _log_rejection(self, path: Path, why: str) -> None:
        self.counts["not read"] += 1
        logger.info("%s: %s", path, why)


def _patch(
    before: Structure | None, rows: int | None, inspected: external.Inspected
) -> DataSourcePatch | None:
    """Return the region of the new data if all earlier data kept their position, else None."""
    now = inspected.structure
    if isinstance(before, ArrayStructure) and isinstance(now, ArrayStructure):
        grown = now.shape[:1] > before.shape[:1] and now.shape[1:] == before.shape[1:]
        if not grown:
            return None
        added = now.shape[0] - before.shape[0]
        return DataSourcePatch(
            (before.shape[0], *(0,) * (len(now.shape) - 1)), (added, *now.shape[1:])
        )
    if rows is not None and inspected.rows is not None and inspected.rows > rows:
        return DataSourcePatch((rows,), (inspected.rows - rows,))
    return None


def _fingerprint(found: DiscoveredDataset) -> Fingerprint:
    """Return a value that changes when the files change, or when files are added.

    Objects are not watched: their names suffice, and save a request each.
    """
    if isinstance(found.paths[0], ObjectPath):
        return tuple((str(path), 0, 0) for path in found.paths)
    return tuple(look for path in found.paths for look in _look(path))


def _look(path: Path) -> list[tuple[str, int, int]]:
    # For a folder, its direct entries: a Zarr array's size is in one of them.
    inside = sorted(path.iterdir()) if path.is_dir() else [path]
    statuses = [(one.name, one.stat()) for one in inside]
    return [(name, status.st_size, status.st_mtime_ns) for name, status in statuses]
