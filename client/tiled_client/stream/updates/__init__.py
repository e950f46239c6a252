"""Updates, as callbacks get them: a module for each family of nodes."""

from .arrays import ArrayReference, ArrayUpdate
from .base import Update, parse_update
from .children import ChildCreated, ChildDeleted, ChildMetadataUpdated
from .nested import AwkwardUpdate, RaggedUpdate
from .sparse import SparseUpdate
from .tables import TableReference, TableUpdate

DataUpdate = (
    ArrayUpdate
    | ArrayReference
    | TableUpdate
    | TableReference
    | SparseUpdate
    | RaggedUpdate
    | AwkwardUpdate
)

__all__ = [
    "ArrayReference",
    "ArrayUpdate",
    "AwkwardUpdate",
    "ChildCreated",
    "ChildDeleted",
    "ChildMetadataUpdated",
    "DataUpdate",
    "RaggedUpdate",
    "SparseUpdate",
    "TableReference",
    "TableUpdate",
    "Update",
    "parse_update",
]
