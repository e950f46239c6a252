"""Move the tail of a partition from the database to an object.

The object is put first. Then one transaction inserts its part and deletes exactly the parts whose
rows are in it, or nothing: if another process was faster, or the partition was replaced, the object
is left to the cleanup. The bytes of a part never change, so that writers need not wait for it. Only
the cleanup must: it holds the lock of the node while it deletes objects that no row names.

A small object before the tail is put again with it: a table that gets a few rows now and then has
large objects nevertheless.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from ....locks.node_locks import LockTimeout, node_lock
from ....models import Asset, AssetPart, DataSourceAsset
from ....storage import files
from ....storage.errors import StorageError
from ..bucket.names import node_folder
from ..site_bucket import object_store
from . import object_parts, part_rows
from .interface import StoredFile
from .named_objects import record_replaced
from .part_rows import Part

# A tail of this many bytes is moved to an object.
TAIL_BYTES = 8 << 20
# In seconds: much less than the age from which the cleanup deletes an object that no row names.
MAX_SECONDS = 300.0
# While the bucket cannot be reached, tails grow to this size; then appends fail, too.
MAX_TAIL_BYTES = 64 << 20
MAX_CACHED_ENDS = 4096
# Partitions per run; the next run continues.
MAX_IDLE = 1000

logger = logging.getLogger(__name__)


class _Superseded(Exception):
    """Another process has moved these rows, or replaced them."""


def is_full(file: StoredFile, size: int) -> bool:
    """Return whether the tail of a partition of `size` bytes now fills an object."""
    return _tail_bytes(file, size) >= TAIL_BYTES


def is_overfull(file: StoredFile) -> bool:
    """Return whether the tail is so large that it must be moved before more rows are added."""
    return _tail_bytes(file, file.size) >= MAX_TAIL_BYTES


def flush_tail(file: StoredFile) -> None:
    """Move the tail to objects. Raises StorageError."""
    parts = part_rows.of([file])[file.asset_id]
    if parts:
        for run in _runs(parts[1:]):
            _move(file, parts[0].content, run)
    _ends.pop(file.data_uri, None)


def flush_idle(min_age: float) -> int:
    """Move tails to which no rows were added for `min_age` seconds; return their number.

    A table that is complete is then in the bucket alone.
    """
    moved = 0
    for file, path in _idle(min_age):
        try:
            with node_lock(path):
                flush_tail(file)
        except (LockTimeout, StorageError) as error:
            logger.warning("Left rows of /%s in the database for now: %s", path, error)
        else:
            moved += 1
    return moved


def _idle(min_age: float) -> Iterator[tuple[StoredFile, str]]:
    """Yield partitions with such tails, and the paths of their nodes."""
    before = timezone.now() - timedelta(seconds=min_age)
    tails = AssetPart.objects.filter(name="", start__gt=0).values("asset")
    idle = tails.annotate(latest=Max("time")).filter(latest__lt=before).values("asset")
    links = DataSourceAsset.objects.filter(asset__in=idle[:MAX_IDLE])
    for link in list(links.select_related("data_source__node")):
        node = link.data_source.node
        yield StoredFile.of(node.uuid, link.asset), node.path


def _runs(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield the parts in the database that follow each other, after a small object, if any."""
    before: list[Part] = []
    for in_object, some in groupby(parts, lambda part: bool(part.name)):
        run = list(some)
        if not in_object:
            yield before + run
        before = run[-1:] if in_object and run[-1].size < TAIL_BYTES else []


def _content(prefix: str, part: Part) -> bytes | memoryview:
    if not part.name:
        return part.content
    return object_store().get_range(f"{prefix}/{part.name}", part.skip, part.skip + part.size)


def _move(file: StoredFile, header: bytes, run: Sequence[Part]) -> None:
    prefix, deadline = node_folder(file.node), time.monotonic() + MAX_SECONDS
    key = f"{prefix}/{files.uri_name(file.data_uri)}"
    name = object_parts.put_rows(key, header, [_content(prefix, part) for part in run])
    first, last = run[0], run[-1]
    moved = AssetPart(
        asset_id=file.asset_id,
        start=first.start,
        size=last.start + last.size - first.start,
        rows=sum(part.rows for part in run),
        name=name,
        skip=len(header),
    )
    with suppress(_Superseded), transaction.atomic():
        # Deletions lock the asset first, too.
        list(Asset.objects.select_for_update().filter(pk=file.asset_id))
        held = AssetPart.objects.filter(
            asset=file.asset_id, start__gte=first.start, start__lte=last.start
        )
        found = list(held.order_by("start").values_list("start", "size"))
        if found != [(part.start, part.size) for part in run] or time.monotonic() > deadline:
            raise _Superseded
        held._raw_delete(held.db)
        record_replaced(file.node, [part.name for part in run if part.name])
        moved.save(force_insert=True)


def _tail_bytes(file: StoredFile, size: int) -> int:
    """Return the bytes behind the last object, at most: another process may have moved some."""
    end = _ends.get(file.data_uri)
    if end is None or size - end >= TAIL_BYTES:
        end = _end_of_objects(file)
        _ends[file.data_uri] = end
        if len(_ends) > MAX_CACHED_ENDS:
            _ends.popitem(last=False)
    return size - end


def _end_of_objects(file: StoredFile) -> int:
    parts = AssetPart.objects.filter(asset=file.asset_id).exclude(name="")
    found: int | None = parts.aggregate(end=Max(F("start") + F("size")))["end"]
    return found or 0


# By URI, which no other file will have: where the last object ends.
_ends: OrderedDict[str, int] = OrderedDict()
