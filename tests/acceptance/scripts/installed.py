"""The client that is installed here, under the names of the page: this project's, or Tiled's."""

try:
    from tiled_client import ArrayStructure, Asset, DataSource, StructureFamily, from_uri
    from tiled_client import NotSupported as Refused
except ImportError:
    from tiled.client import from_uri
    from tiled.client.utils import ClientError as Refused
    from tiled.structures.array import ArrayStructure
    from tiled.structures.core import StructureFamily
    from tiled.structures.data_source import Asset, DataSource

__all__ = [
    "ArrayStructure",
    "Asset",
    "DataSource",
    "Refused",
    "StructureFamily",
    "append",
    "from_uri",
    "new_data",
]


def new_data(node):
    """What `subscribe()` is called on: Tiled's arrays and tables have no `new_data`."""
    return getattr(node, "new_data", node)


def append(table, rows):
    """Tiled's tables take a partition first."""
    if hasattr(table, "append"):
        table.append(rows)
    else:
        table.append_partition(0, rows)
