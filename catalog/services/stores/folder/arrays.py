"""Dense arrays in folders; `overwrites` says when overwritten chunks become visible."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from core.mapped_files import release
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ....events import announce
from ....locks.fencing import Fence
from ....lookup.write_targets import WriteTarget, store_structure, superseded
from ....models import DataSource, Node
from ....storage.chunks.staging import StagedChunk
from ....storage.encoding import Array
from ....storage.regions import Region
from ...commits import event_transaction, record_alone
from ...idempotency import record_receipt
from ..interface import ArrayWrite
from ..ready_chunks import ready_chunks
from . import overwrites
from .overwrites import discard_on_rejection, new_stage, settle_stages
from .paths import array_folder, array_store, node_folder
from .transfers import export_folder, fill_folder


class FolderArrays:
    """The arrays of a site whose storage is a folder."""

    def create(self, node: UUID, structure: ArrayStructure) -> dict[str, Any]:
        """Create the folder of an array of zeros."""
        array_store().create(node_folder(node), structure)
        return {}

    def read(self, node: Node, structure: ArrayStructure, items: NDSlice) -> Array:
        """Read what `items` select."""
        assert node.source is not None
        return array_store().read(array_folder(node.uuid, node.source.folder), structure, items)

    def prepare(self, target: WriteTarget, fence: Fence) -> None:
        """Apply or discard the stages of interrupted writes."""
        assert isinstance(target.structure, ArrayStructure)
        directory = array_folder(target.ref.uuid, target.folder)
        settle_stages(target.ref.uuid, directory, target.structure, alone=fence.exclusive)

    def write(self, write: ArrayWrite, fence: Fence) -> None:
        """Store, commit and announce a write."""
        write.charge()
        target, plan, upload = write.target, write.plan, write.upload
        folder = target.folder if fence.exclusive else _branch(write)
        directory = array_folder(target.ref.uuid, folder)
        stage = new_stage(directory, plan.structure, upload.idempotency_key)
        # No stage in a branch: readers do not see it before the commit makes it current.
        staged = stage.name if fence.exclusive else ""
        try:
            chunks = _put(write, directory, staged)
        except BaseException:
            stage.discard()
            raise
        event = write.event(recorded_as=stage.token)
        alone = write.changes_one_row and folder == target.folder
        with discard_on_rejection(stage):
            if alone:
                # The record of the event is the only row that changes. If its outcome is unknown,
                # the record decides later whether the chunks are applied; repeating the write is
                # harmless.
                recorded = record_alone(event)
                stage.apply(chunks)
                announce(recorded)
                return
            with (
                event_transaction() as change,
                record_receipt(target.ref.uuid, upload.idempotency_key, plan.structure),
            ):
                _make_current(write, folder)
                if not change.record_event(event) and upload.idempotency_key is None and chunks:
                    stage.leave_receipt(target.ref.uuid)
                change.on_commit(lambda: stage.apply(chunks))

    def settle(self, node: UUID) -> None:
        """Apply the stages of committed writes."""
        overwrites.settle_node(node)

    def fill(
        self, node: UUID, structure: ArrayStructure, values: Callable[[Region], Array]
    ) -> Callable[[DataSource], None]:
        """Write a new array to the folder of its node."""
        fill_folder(array_store(), node_folder(node), structure, values)
        return lambda _: None

    def export(self, source: DataSource, structure: ArrayStructure, folder: Path) -> None:
        """Copy the files of an array."""
        export_folder(array_folder(source.node.uuid, source.folder), folder, structure)

    def release(self, source: DataSource) -> None:
        """Forget the folder."""
        source.folder = ""


def _branch(write: ArrayWrite) -> str:
    """Copy the array to a new folder, to which no writer that lost its lock can write."""
    folder, target = f"branch-{secrets.token_hex(4)}", write.target
    before = array_folder(target.ref.uuid, target.folder)
    after = array_folder(target.ref.uuid, folder)
    array_store().branch(before, after, write.before)
    return folder


def _make_current(write: ArrayWrite, folder: str) -> None:
    """Store the array's new size, and its folder if that changed."""
    target = write.target
    if folder != target.folder:
        known: Any = target.source_id
        source = DataSource.objects.filter(pk=known, generation=target.generation)
        if not source.update(folder=folder):
            raise superseded(target)
    changed = write.grows or folder != target.folder
    if changed and not store_structure(target, write.plan.structure):
        raise superseded(target)


def _put(write: ArrayWrite, directory: Path, stage: str) -> list[StagedChunk]:
    store, plan = array_store(), write.plan
    if write.grows:
        store.extend(directory, write.before, plan.structure, plan.region)
    return store.write_region(
        directory,
        plan.structure,
        plan.region,
        write.array,
        visible_shape=write.before.shape,
        stage=stage,
        each=lambda: release(write.upload.body),
        ready=partial(ready_chunks, write),
    )
