"""Describe files as data sources, by what an inspection of them found."""

from __future__ import annotations

from tiled_client.wire.data_sources import Asset, DataSource
from tiled_client.wire.structure_family import Management

from ..config import storage_settings
from ..services.nodes.drafts import parse_data_source
from ..storage import external, files
from ..storage.bucket_files.paths import are_folders
from .discovery import DiscoveredDataset

ROWS_PROPERTY = "rows"
"""The property of a table's data source with the number of rows that were announced."""
SEQUENCE = "multipart/related"


def inspect_dataset(found: DiscoveredDataset) -> external.Inspected:
    """Inspect the files in a confined process. Raises StorageError."""
    return external.inspect(found.paths, found.mimetype, readable=storage_settings().readable)


def describe_source(found: DiscoveredDataset, inspected: external.Inspected) -> DataSource:
    """Describe the files. Raises WireError or Invalid for an invalid description."""
    source = DataSource(
        structure_family=inspected.family,
        structure=inspected.structure,
        mimetype=found.mimetype,
        parameters=inspected.parameters,
        properties={} if inspected.rows is None else {ROWS_PROPERTY: inspected.rows},
        assets=list_assets(found),
        management=Management.external,
    )
    # As strict as for requests: one invalid node would break the listing of its folder.
    return parse_data_source(source.to_json())


def list_assets(found: DiscoveredDataset) -> list[Asset]:
    """Return the files as assets, numbered if they are several, or a sequence."""
    folders = are_folders(found.paths)
    many = found.mimetype.startswith(SEQUENCE) or len(found.paths) > 1
    return [
        Asset(
            data_uri=files.file_uri(path),
            is_directory=is_folder,
            parameter="data_uris" if many else "data_uri",
            num=number if many else None,
        )
        for number, (path, is_folder) in enumerate(zip(found.paths, folders, strict=True))
    ]
