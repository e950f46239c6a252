"""The client objects for nodes."""

from .array import ArrayClient
from .base import Node
from .container import Container
from .table import TableClient

__all__ = ["ArrayClient", "Container", "Node", "TableClient"]
