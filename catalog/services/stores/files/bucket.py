"""The files of nodes in a bucket, whose objects are never changed.

A partition is divided into parts (`AssetPart`): objects, and a tail of appended rows that are in
the database until they fill an object. A writer needs no lock of files: it puts objects of new
names, and its commit compares the size that the partition had.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa
from django.db import DatabaseError, transaction

from ....config import storage_settings
from ....lookup.prepared_queries import raw_insert
from ....models import Asset, AssetPart, DataSource
from ....storage import files, tables
from ....storage.errors import StorageError, Unreadable
from ....storage.tables import PartitionReader, Rows
from ..bucket import raw_files
from ..bucket.cleanup import discard_nodes
from ..bucket.names import node_folder
from ..site_bucket import object_store
from . import flushing, object_parts, part_rows
from .interface import Addition, NewFile, OpenDownload, StoredFile
from .named_objects import record_replaced
from .object_downloads import PartsDownload, WholeDownload, key_of, open_download

if TYPE_CHECKING:
    from typing_extensions import Buffer

logger = logging.getLogger(__name__)

# A new partition of fewer bytes begins as a tail: many are small, and soon appended to.
MIN_NEW_OBJECT_BYTES = 256 << 10
# How long a download may begin after the redirect.
PRESIGNED_SECONDS = 300.0


class BucketFiles:
    """Files as objects; partitions as objects and rows in the database."""

    # Reading downloads objects once more.
    reread_bytes = 64 << 20

    def prepare(self, node: UUID) -> None:
        """Do nothing: there are no folders."""

    def write(self, node: UUID, name: str, content: Buffer) -> NewFile:
        """Put an object."""
        store, key = object_store(), f"{node_folder(node)}/{name}"
        store.put(key, content, file_name=name)
        return NewFile(store.address(key), memoryview(content).nbytes)

    def write_partition(self, node: UUID, number: int, rows: Rows) -> NewFile:
        """Put rows, and a tail of those that fill no object."""
        header, messages = tables.header_and_rows(rows)
        name = tables.partition_name(number)
        parts = [AssetPart(start=0, size=len(header), rows=0, content=header)]
        parts += object_parts.store_rows(
            f"{node_folder(node)}/{name}",
            header,
            messages,
            start=len(header),
            min_object=MIN_NEW_OBJECT_BYTES,
        )
        uri = object_store().address(f"{node_folder(node)}/{name}")
        return NewFile(uri, parts[-1].start + parts[-1].size, tuple(parts))

    def append(self, file: StoredFile, number: int, rows: Rows, *, exclusive: bool) -> Addition:
        """Add rows to the tail; put objects of many."""
        own, messages = tables.header_and_rows(rows)
        header = part_rows.header(file)
        if own != header:
            tables.check_schema(pa.ipc.read_schema(pa.py_buffer(header)), own)
        if flushing.is_overfull(file):
            flushing.flush_tail(file)  # the bucket could not be reached for long
        parts = object_parts.store_rows(
            key_of(file), header, messages, start=file.size, min_object=flushing.TAIL_BYTES
        )
        end = parts[-1].start + parts[-1].size if parts else file.size
        return Addition(end, parts=tuple(parts))

    def record(self, asset_id: int, file: NewFile) -> None:
        """Insert the parts."""
        for part in file.parts:
            part.asset_id = asset_id
            raw_insert(part)

    def extend(self, file: StoredFile, addition: Addition) -> None:
        """Insert the parts."""
        for part in addition.parts:
            part.asset_id = file.asset_id
            raw_insert(part)

    def settle(self, file: StoredFile, addition: Addition) -> None:
        """Move the tail to an object if it fills one; if that fails, a later write does."""
        if not flushing.is_full(file, addition.size):
            return
        try:
            flushing.flush_tail(file)
        except (StorageError, DatabaseError) as error:
            logger.warning("Left rows of %s in the database for now: %s", file.data_uri, error)

    def discard(self, file: StoredFile) -> None:
        """Have the objects removed later: requests may still be reading them."""
        # No other process adds parts to the asset, or moves them, while it is deleted.
        list(Asset.objects.select_for_update().filter(pk=file.asset_id).values_list("pk"))
        parts = part_rows.of([file], contents=False)[file.asset_id]
        names = (
            [part.name for part in parts if part.name] if parts else [files.uri_name(file.data_uri)]
        )
        record_replaced(file.node, names)

    def place(self, file: StoredFile) -> str:
        """Return the URI of the object, or of what begins with it."""
        return object_store().address(key_of(file))

    def check(self, file: StoredFile) -> None:
        """Compare the sizes of all objects of the file with those in the database."""
        store, prefix = object_store(), node_folder(file.node)
        found = part_rows.of([file], contents=False)[file.asset_id]
        sizes = {f"{prefix}/{part.name}": part.skip + part.size for part in found if part.name}
        if not found:
            sizes = {key_of(file): file.size}
        for key, size in sizes.items():
            if (actual := store.head(key).size) != size:
                raise Unreadable(f"The object {key} has {actual} bytes of {size}.")

    def read(self, file: StoredFile) -> memoryview:
        """Get the object."""
        return object_store().get(key_of(file))

    def partitions(self, files: Sequence[StoredFile]) -> list[PartitionReader]:
        """Return readers of the parts that the database names now."""
        found = part_rows.of(files)
        return [object_parts.reader(file, found[file.asset_id]) for file in files]

    def download(self, file: StoredFile) -> WholeDownload | PartsDownload:
        """Return the object, or the parts one after the other."""
        return open_download(object_store(), file, part_rows.of([file])[file.asset_id])

    def download_url(self, file: StoredFile) -> str | None:
        """Return a presigned URL of an object that is the whole file, and large enough."""
        least = storage_settings().presigned_downloads
        if least is None or file.size < least:
            return None
        parts = part_rows.of([file], contents=False)[file.asset_id]
        if not parts:
            return object_store().presigned_url(key_of(file), PRESIGNED_SECONDS)
        _, *rest = parts
        if len(rest) != 1 or not rest[0].name:
            return None
        return object_store().presigned_url(
            f"{node_folder(file.node)}/{rest[0].name}", PRESIGNED_SECONDS
        )

    def folder_names(self, source: DataSource) -> list[str]:
        """Return the names that Zarr gives to the objects of an array."""
        return raw_files.list_names(source)

    def folder_download(self, source: DataSource, name: str) -> OpenDownload:
        """Open the current object of a chunk by the name that Zarr gives it."""
        return raw_files.open_name(object_store(), source, name)

    def discard_folder(self, source: DataSource) -> None:
        """Delete the objects after the commit."""
        node = source.node.uuid
        transaction.on_commit(lambda: discard_nodes(object_store(), [node]), robust=True)
