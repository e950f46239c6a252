"""What writes of sparse, ragged and awkward arrays have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from access.errors import NotSupported
from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.families import StructureFamily
from tiled_client.wire.structures import Structure

from ..locks import node_lock
from ..models import DataSource, DataSourceAsset, Node
from ..nodes import resolve_family, resolve_for_update, split_path
from ..storage import files
from .assets import attach_assets, discard_asset

PARAMETER = "data_uris"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was written: its place among those of the node, and how many bytes count."""

    path: Path
    num: int
    size: int


@contextmanager
def node_to_write(path: str, family: StructureFamily, *, persist: bool) -> Iterator[Node]:
    """The node at `path`; if it is to `persist` what is written, nobody else writes meanwhile.

    Raises NotFound, NotSupported (files of others).
    """
    if not persist:
        yield resolve_family(path, family)
        return
    with node_lock("/".join(split_path(path))):
        node = resolve_family(path, family)
        if node.source is None or node.source.external:
            raise NotSupported(f"This node cannot accept {family.value} data.")
        yield node


def replace_files(
    source: DataSource,
    before: Iterable[DataSourceAsset],
    written: Iterable[NewFile],
    structure: Structure | None = None,
) -> None:
    """Let new files, written one after another, take the place of those of `before`.

    All of it happens, the new `structure` included, or nothing. Raises NotFound for a node that was
    deleted meanwhile.
    """
    done: list[NewFile] = []
    try:
        for file in written:
            done.append(file)  # noqa: PERF402 - known at once, if the next one fails
        with transaction.atomic():
            resolve_for_update(source.node.segments)
            for link in before:
                discard_asset(link)
            attach_assets(source, [_asset(file) for file in done])
            if structure is not None:
                keep_structure(source, structure)
    except BaseException:
        for file in done:
            file.path.unlink(missing_ok=True)
        raise


def keep_structure(source: DataSource, structure: Structure) -> None:
    """Store what the data look like by now."""
    DataSource.objects.filter(pk=source.pk).update(structure=structure.to_json())


def _asset(file: NewFile) -> WireAsset:
    uri = files.file_uri(file.path)
    return WireAsset(uri, is_directory=False, parameter=PARAMETER, num=file.num, size=file.size)
