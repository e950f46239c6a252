"""Stages: overwritten chunks that become visible after the commit of their write.

A write to an array writes the chunks that readers can see to a stage first (see
`storage.chunks.staging`), commits, applies the stage, and then announces the write. The proof of
the commit is the record of the announcement, or the receipt of the request, which are stored in its
transaction; on a site that announces nothing, a receipt is stored instead.

| state of a stage | settled by | action |
| --- | --- | --- |
| not committed | next writer, cleanup | discard |
| committed, not applied | next writer, announcer, cleanup | apply, then announce |
| commit may still follow | none: its writer holds the lock | leave |

Under the lock of the node the state is known: a write that may still commit holds that lock.
Without the lock, only committed stages may be touched.
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

from ....events import is_recorded
from ....models import DataSource, Node, Receipt
from ....storage.chunks import staging_names
from ....storage.chunks.staging import StagedChunk
from ....storage.errors import StorageError
from ...commits import OutcomeUnknown
from ...idempotency import IdempotencyKey, record_receipt
from .paths import array_folder, array_store, node_folder


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: the chunks that a write has staged under `name`, in the folder of an array."""

    directory: Path
    structure: ArrayStructure
    name: str

    @property
    def token(self) -> str:
        """The token of the record of its announcement."""
        return self.name.partition("-")[0]

    @property
    def receipt(self) -> str:
        """The key of this write's receipt, which no client can send."""
        return f"write {self.token}"

    def leave_receipt(self, node: UUID) -> None:
        """Store a proof of the commit where there is no other one. Call it in the transaction."""
        with record_receipt(node, IdempotencyKey(self.receipt, b"")):
            pass

    def apply(self, chunks: Sequence[StagedChunk] | None = None, *, alone: bool = True) -> None:
        """Make the staged chunks visible to readers: the write is committed.

        `chunks` are the chunks that the store staged; without, they are looked up. `alone`
        is whether the lock of the node is held.
        """
        if chunks != []:
            array_store().apply(self.directory, self.structure, self.name, chunks, alone=alone)

    def discard(self) -> None:
        """Remove the staged chunks: the write is not committed, and will not be."""
        array_store().discard(self.directory, self.name)


def new_stage(
    directory: Path, structure: ArrayStructure, idempotency_key: IdempotencyKey | None
) -> Stage:
    """Return a stage for a write to an array of `structure`."""
    name = secrets.token_hex(8)
    return Stage(
        directory, structure, f"{name}-{_mark(idempotency_key.key)}" if idempotency_key else name
    )


@contextmanager
def discard_on_rejection(stage: Stage) -> Iterator[None]:
    """Discard the stage if the commit is rejected for a known reason."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except ServiceError:
        stage.discard()
        raise


def settle_stages(node: UUID, directory: Path, structure: ArrayStructure, *, alone: bool) -> None:
    """Apply the stages of interrupted writes to `node` that were committed.

    With `alone`, for a writer that holds the locks of the node, other stages are discarded.
    """
    for name in array_store().list_stages(directory):
        stage = Stage(directory, structure, name)
        if _is_committed(node, stage):
            stage.apply(alone=alone)
        elif alone:
            stage.discard()


def settle_node(node: UUID) -> None:
    """Apply the stages of committed writes to `node`, before these are announced.

    Call it with or without the lock of the node. Raises Unavailable.
    """
    try:
        for directory in (node_folder(node), *node_folder(node).glob("branch-*")):
            if array_store().list_stages(directory):
                structure = _structure(node)
                if structure is not None:
                    settle_stages(node, directory, structure, alone=False)
    except (OSError, StorageError) as error:
        detail = f"Could not apply committed chunks of {node}: {error}"
        raise Unavailable(detail) from error


def clean_up_stages(node: UUID, *, min_age: float) -> int:
    """Settle writes to `node` that were interrupted `min_age` seconds ago; return their number.

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
    """Return whether a write to `node` is in progress, or was interrupted."""
    folders = (node_folder(node), *node_folder(node).glob("branch-*"))
    return any(array_store().list_stages(directory) for directory in folders)


def _is_old(path: str, seconds: float) -> bool:
    try:
        return os.stat(path).st_mtime <= time.time() - seconds
    except FileNotFoundError:
        return False


def _structure(node: UUID) -> ArrayStructure | None:
    found = Node.objects.filter(uuid=node).select_related("data_source").first()
    try:
        structure = None if found is None else found.structure
    except WireError:  # such a node cannot be read, either
        return None
    return structure if isinstance(structure, ArrayStructure) else None


def _is_committed(node: UUID, stage: Stage) -> bool:
    if is_recorded(node, stage.token):
        return True
    mark = stage.name.partition("-")[2]
    keys = Receipt.objects.filter(node=node).values_list("key", flat=True)
    return any(key == stage.receipt or _mark(key) == mark for key in keys)


def _mark(key: str) -> str:
    """Return a name for an idempotency key that is valid in any file system."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
