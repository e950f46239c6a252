"""The installed client, this project's or Tiled's, under the names that the scripts use."""

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
    """Return what to call `subscribe()` on: Tiled's arrays and tables have no `new_data`."""
    return getattr(node, "new_data", node)


def append(table, rows):
    """Append rows: Tiled's method takes the partition first."""
    if hasattr(table, "append"):
        table.append(rows)
    else:
        table.append_partition(0, rows)


def update_data_source(table, **rows):
    """Update a data source: with Tiled's client, by a request like that of TiledWriter."""
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
    """Return whether a node is an array."""
    return hasattr(node, "dtype")
