"""What the bucket needs now and then: objects that were replaced go, and plain names follow.

Objects that a write has replaced are deleted once no read can need them any more. The objects that
Zarr names by the index of a chunk, and `zarr.json`, are only for other readers of the bucket: they
are brought up to date here. By then no reader of this server has the state of before.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ....locks.node_locks import LockTimeout, node_lock
from ....models import Chunk, DataSource, ReplacedObject
from ....storage.chunk_objects import plain_name
from ....storage.errors import MissingFile
from ....storage.layout import plan
from ....storage.objects.client import ObjectStore
from ..known_nodes import BATCH
from ..removal_hold import removals_are_held
from .chunk_rows import parse_grid
from .descriptions import Descriptions
from .names import node_folder

logger = logging.getLogger(__name__)

# Rows per run of each kind; the next run continues.
MAX_ROWS = 50_000


def remove_replaced(objects: ObjectStore, min_age: float) -> int:
    """Delete the objects that were replaced `min_age` seconds ago; return their number."""
    removed = 0
    while removed < MAX_ROWS and not removals_are_held():
        old = ReplacedObject.objects.filter(time__lte=_before(min_age)).order_by("pk")[:BATCH]
        found = list(old)
        if not found:
            break
        objects.delete(f"{node_folder(one.node)}/{one.name}" for one in found)
        ReplacedObject.objects.filter(pk__in=[one.pk for one in found]).delete()
        removed += len(found)
    return removed


def update_plain_objects(objects: ObjectStore, descriptions: Descriptions, min_age: float) -> int:
    """Copy chunks that became current `min_age` seconds ago to the names that Zarr gives them.

    Describes arrays as well whose `zarr.json` is older than their structure. Returns the number of
    objects.
    """
    chunks = Chunk.objects.filter(plain=False, time__lte=_before(min_age)).order_by("pk")
    chunks = chunks.select_related("data_source__node")
    updated, last = 0, 0
    while updated < MAX_ROWS and not removals_are_held():
        found = list(chunks.filter(pk__gt=last)[:BATCH])
        for chunk in found:
            if chunk.index:
                _copy(objects, chunk)
            else:
                _describe(descriptions, chunk)
        if not found:
            break
        updated, last = updated + len(found), found[-1].pk
    return updated


def _copy(objects: ObjectStore, chunk: Chunk) -> None:
    folder = node_folder(chunk.data_source.node.uuid)
    source = chunk.data_source
    # An array without dimensions has one chunk, without numbers.
    index = tuple(map(int, chunk.index.split("."))) if source.chunk_grid else ()
    try:
        objects.copy(f"{folder}/{chunk.name}", f"{folder}/{plain_name(index)}")
    except MissingFile as error:
        logger.warning("A chunk of %s is lost: %s", source.node, error)
    # Another write may have made another object current meanwhile, and then this stays to do.
    Chunk.objects.filter(pk=chunk.pk, name=chunk.name).update(plain=True)


def _describe(descriptions: Descriptions, chunk: Chunk) -> None:
    node = chunk.data_source.node
    try:
        with node_lock(node.path):
            source = (
                DataSource.objects.select_related("node").filter(pk=chunk.data_source_id).first()
            )
            structure = None if source is None else source.node.structure
            if source is not None and isinstance(structure, ArrayStructure):
                layout = plan(structure, chunk=parse_grid(source.chunk_grid or ""))
                descriptions.put(node.uuid, structure, layout)
            Chunk.objects.filter(pk=chunk.pk).delete()
    except (LockTimeout, WireError) as error:
        logger.warning("The zarr.json of %s is not up to date: %s", node, error)


def _before(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)
