"""Tables on disk: each partition is one Arrow IPC stream, to which rows are added at the end.

The catalog keeps how many bytes of a partition's file count. What a crash has left behind those is
never read, and cut off by the next append. Rows that were stored are never rewritten.
"""

from .bodies import parse_ipc, serialize_ipc
from .columns import column_array
from .partitions import (
    MIMETYPE,
    PartitionFile,
    append,
    create,
    empty,
    iter_batches,
    read,
    write_partition,
)
from .schemas import conform

__all__ = [
    "MIMETYPE",
    "PartitionFile",
    "append",
    "column_array",
    "conform",
    "create",
    "empty",
    "iter_batches",
    "parse_ipc",
    "read",
    "serialize_ipc",
    "write_partition",
]
