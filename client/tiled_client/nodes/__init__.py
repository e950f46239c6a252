"""Client objects of nodes, one class per structure family."""

from .array import ArrayClient
from .awkward import AwkwardClient
from .container import Container
from .dataset import DatasetClient
from .lazy import DaskArrayClient, DaskSparseClient, DaskTableClient
from .node import Node
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
    "DaskArrayClient",
    "DaskSparseClient",
    "DaskTableClient",
    "DatasetClient",
    "MetadataRevisions",
    "Node",
    "RaggedClient",
    "Revision",
    "SparseClient",
    "TableClient",
]
