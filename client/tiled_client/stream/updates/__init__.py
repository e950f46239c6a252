"""Updates, as callbacks receive them: a module for each family of nodes."""

from .arrays import ArrayReference, ArrayUpdate, RegionUpdate
from .base import DataUpdate, Update, parse_update
from .children import ChildCreated, ChildDeleted, ChildMetadataUpdated, ContainerUpdate
from .nested import AwkwardUpdate, RaggedUpdate
from .sparse import SparseUpdate
from .tables import TableReference, TableUpdate

__all__ = [
    "ArrayReference",
    "ArrayUpdate",
    "AwkwardUpdate",
    "ChildCreated",
    "ChildDeleted",
    "ChildMetadataUpdated",
    "ContainerUpdate",
    "DataUpdate",
    "RaggedUpdate",
    "RegionUpdate",
    "SparseUpdate",
    "TableReference",
    "TableUpdate",
    "Update",
    "parse_update",
]
