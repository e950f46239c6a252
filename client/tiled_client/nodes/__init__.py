"""Client objects of nodes, one class per structure family."""

from .array import ArrayClient
from .awkward import AwkwardClient
from .base import Node
from .container import Container
from .ragged import RaggedClient
from .raw import BytesClient
from .revisions import MetadataRevisions, Revision
from .sparse import SparseClient
from .table import TableClient

__all__ = [
    "ArrayClient",
    "AwkwardClient",
    "BytesClient",
    "Container",
    "MetadataRevisions",
    "Node",
    "RaggedClient",
    "Revision",
    "SparseClient",
    "TableClient",
]
