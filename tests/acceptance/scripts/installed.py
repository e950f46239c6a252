"""The client that is installed here, under the names of the page: this project's, or Tiled's."""

from dataclasses import asdict

try:
    from tiled_client import (
        ArrayStructure,
        Asset,
        DataSource,
        StructureFamily,
        TableStructure,
        from_uri,
    )
    from tiled_client import NotSupported as Refused
except ImportError:
    from tiled.client import from_uri
    from tiled.client.utils import ClientError as Refused
    from tiled.structures.array import ArrayStructure
    from tiled.structures.core import StructureFamily
    from tiled.structures.data_source import Asset, DataSource
    from tiled.structures.table import TableStructure

__all__ = [
    "ArrayStructure",
    "Asset",
    "DataSource",
    "Refused",
    "StructureFamily",
    "TableStructure",
    "append",
    "from_uri",
    "is_array",
    "new_data",
    "update_data_source",
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


def update_data_source(table, **rows):
    """Tiled's client leaves this request to whoever writes the files, as TiledWriter does."""
    if hasattr(table, "update_data_source"):
        (source,) = table.data_sources()
        table.update_data_source(source, **rows)
        return
    (source,) = table.include_data_sources().data_sources()
    query = {"patch_offset": rows["offset"], "patch_shape": rows["count"]} if rows else {}
    address = table.uri.replace("/metadata/", "/data_source/", 1)
    body = {"data_source": asdict(source)}
    table.context.http_client.put(address, json=body, params=query).raise_for_status()


def is_array(node):
    """Whether a node has a dtype."""
    return hasattr(node, "dtype")
