"""Overwritten chunks of arrays, which become current after the commit of their write.

A write of an array sets aside what readers can see (see `storage.staged`), commits, puts it in its
place, and then announces it. The proof of the commit is the record of the announcement, or the
receipt of the request, which are in its transaction; on a site that announces nothing, a receipt
is left for it. A writer may be cut off at any step:

- Before the commit: what was set aside is of no use. The next writer, or the sweep, removes it.
- After the commit: the next writer to the node, or whoever is to announce the write in its stead,
  puts it in its place first.

Under the lock of the node it is clear which of the two it is: a write that may still commit holds
that lock. Without the lock, only what is committed may be touched.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from core.errors import ServiceError, Unavailable
from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ...events import is_recorded
from ...models import DataSource, Node, Receipt
from ...storage.chunks import staging_names
from ...storage.chunks.staging import StagedChunk
from ...storage.errors import StorageError
from ..assets.stores import array_folder, array_store, node_folder
from ..commits import OutcomeUnknown
from ..idempotency import Once, with_receipt


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a write sets chunks aside: under `name`, in the folder of an array."""

    directory: Path
    structure: ArrayStructure
    name: str

    @property
    def token(self) -> str:
        """The token of the record of its announcement."""
        return self.name.partition("-")[0]

    @property
    def receipt(self) -> str:
        """The key of a receipt of its own; no client can give such a one."""
        return f"write {self.token}"

    def leave_receipt(self, node: UUID) -> None:
        """Leave a proof of the commit where nothing else is one. Call it in the transaction."""
        with with_receipt(node, Once(self.receipt, b"")):
            pass

    def apply(self, chunks: Sequence[StagedChunk] | None = None, *, alone: bool = True) -> None:
        """Let readers see what was set aside: the write is committed.

        `chunks` are what the store said when it set them aside; without, they are looked for.
        `alone` is whether the lock of the node is held.
        """
        if chunks != []:
            array_store().apply(self.directory, self.structure, self.name, chunks, alone=alone)

    def discard(self) -> None:
        """Remove what was set aside: the write is not committed, and will not be."""
        array_store().discard(self.directory, self.name)


def new_stage(directory: Path, structure: ArrayStructure, once: Once | None) -> Stage:
    """Return where a write to an array of `structure` sets its chunks aside."""
    name = secrets.token_hex(8)
    return Stage(directory, structure, f"{name}-{_mark(once.key)}" if once else name)


@contextmanager
def discard_on_rejection(stage: Stage) -> Iterator[None]:
    """Remove what was set aside where the commit is refused for a reason that is known."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except ServiceError:
        stage.discard()
        raise


def settle_stages(node: UUID, directory: Path, structure: ArrayStructure, *, alone: bool) -> None:
    """Put in their place the chunks of writes to `node` that were committed and cut off.

    With `alone`, for a writer that holds the locks of the node, those of others are removed.
    """
    for name in array_store().staged(directory):
        stage = Stage(directory, structure, name)
        if _is_committed(node, stage):
            stage.apply(alone=alone)
        elif alone:
            stage.discard()


def settle_node(node: UUID) -> None:
    """Put in their place the chunks of committed writes to `node`, to announce them afterwards.

    Call it with or without the lock of the node. Raises Unavailable.
    """
    try:
        for directory in (node_folder(node), *node_folder(node).glob("branch-*")):
            if array_store().staged(directory):
                structure = _structure(node)
                if structure is not None:
                    settle_stages(node, directory, structure, alone=False)
    except (OSError, StorageError) as error:
        detail = f"Committed chunks of {node} cannot be put in their place: {error}"
        raise Unavailable(detail) from error


def clean_up_stages(node: UUID, *, min_age: float) -> int:
    """Settle the writes to `node` that were cut off so many seconds ago; return how many.

    Call it under the lock of the node.
    """
    source = DataSource.objects.filter(node__uuid=node).first()
    if source is None:
        return 0
    directory = array_folder(node, source.folder)
    old = {
        each.name for each in staging_names.find_stages(directory) if _is_old(each.path, min_age)
    }
    structure = _structure(node) if old else None
    if structure is None:
        return 0
    for name in old:
        stage = Stage(directory, structure, name)
        if _is_committed(node, stage):
            stage.apply()
        else:
            stage.discard()
    return len(old)


def has_pending_stages(node: UUID) -> bool:
    """Return whether a write to `node` is under way, or was cut off."""
    folders = (node_folder(node), *node_folder(node).glob("branch-*"))
    return any(array_store().staged(directory) for directory in folders)


def _is_old(path: str, seconds: float) -> bool:
    try:
        return os.stat(path).st_mtime <= time.time() - seconds
    except FileNotFoundError:
        return False


def _structure(node: UUID) -> ArrayStructure | None:
    found = Node.objects.filter(uuid=node).select_related("data_source").first()
    try:
        structure = None if found is None else found.structure
    except WireError:  # nothing of such a node is read, either
        return None
    return structure if isinstance(structure, ArrayStructure) else None


def _is_committed(node: UUID, stage: Stage) -> bool:
    if is_recorded(node, stage.token):
        return True
    mark = stage.name.partition("-")[2]
    keys = Receipt.objects.filter(node=node).values_list("key", flat=True)
    return any(key == stage.receipt or _mark(key) == mark for key in keys)


def _mark(key: str) -> str:
    """A name for the key of a request that any file system takes."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
