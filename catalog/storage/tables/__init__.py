"""Tables on disk: each partition is one Arrow IPC stream, to which rows are appended.

The catalog stores the committed size of a partition's file. Bytes beyond it, left by a crash, are
never read, and truncated by the next append. Stored rows are never rewritten.
"""

from .columns import column_array, storage_of
from .ipc_bodies import is_ipc_file, parse_ipc, received_tables, serialize_ipc, slice_batch
from .ipc_export import ipc_chunks
from .kinds import check_type, check_types, has_empty_lists, parts_of
from .labels import join_tables, with_labels_of
from .messages import Messages, Rows, check_schema, header_and_rows
from .partition_files import (
    MIMETYPE,
    PartitionFile,
    append,
    append_to_copy,
    create,
    open_partition,
    partition_name,
    write_partition,
)
from .partition_reader import PartitionReader, Segment, empty, joined, with_index
from .ranges import iter_rows
from .schemas import check_distinct, conform

__all__ = [
    "MIMETYPE",
    "Messages",
    "PartitionFile",
    "PartitionReader",
    "Rows",
    "Segment",
    "append",
    "append_to_copy",
    "check_distinct",
    "check_schema",
    "check_type",
    "check_types",
    "column_array",
    "conform",
    "create",
    "empty",
    "has_empty_lists",
    "header_and_rows",
    "ipc_chunks",
    "is_ipc_file",
    "iter_rows",
    "join_tables",
    "joined",
    "open_partition",
    "parse_ipc",
    "partition_name",
    "parts_of",
    "received_tables",
    "serialize_ipc",
    "slice_batch",
    "storage_of",
    "with_index",
    "with_labels_of",
    "write_partition",
]
