"""Verify the files of tables, of sparse, ragged and awkward arrays, and external files."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tiled_client.wire.errors import WireError
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import Structure, TableStructure

from ...config import storage_settings
from ...models import DataSource, DataSourceAsset
from ...storage import external, ragged, sparse
from ...storage.bucket_files.paths import ObjectPath
from ...storage.errors import MissingFile, StorageError, StorageUnavailable, Unreadable
from ...storage.regions import shape_of
from ..arrays.sparse import block_index
from ..stores.files import StoredFile, file_store
from .problems import Problem, ProblemKind, Suspect


def verify_files(source: DataSource, *, quick: bool) -> Iterator[Suspect]:
    """Yield what is wrong with each file of a data source, and with their rows together."""
    for link in source.asset_links.all():
        problem = _link_problem(source, link, quick=quick)
        if problem is not None:
            yield Suspect(problem, lambda pk=link.pk: _again(pk, quick=quick))  # type: ignore[misc]
    if (problem := _total_problem(source)) is not None:
        yield Suspect(problem, lambda: _total_again(source.pk))


def count_rows(source: DataSource, link: DataSourceAsset) -> int:
    """Return the number of rows in the valid part of a partition. Raises StorageError."""
    (partition,) = file_store().partitions([StoredFile.of(source.node.uuid, link.asset)])
    return partition.count()


def _link_problem(source: DataSource, link: DataSourceAsset, *, quick: bool) -> Problem | None:
    if source.external:
        return _external_problem(source, link)
    file = StoredFile.of(source.node.uuid, link.asset)
    place = file_store().place(file)
    rows: int | None = None
    try:
        structure = source.node.structure
        match structure:
            case TableStructure() | RaggedStructure():
                rows = _check_rows(file, structure, quick=quick)
            case SparseStructure():
                _check_block(file, link, structure, quick=quick)
            case _:
                _check_archive(file, quick=quick)
    except MissingFile as error:
        return _problem(source, ProblemKind.NO_DATA, str(error), place)
    except StorageUnavailable:
        raise  # it says nothing about the file
    except (StorageError, WireError, OSError) as error:
        return _problem(source, ProblemKind.UNREADABLE, str(error), place)
    known = link.asset.known_rows
    if rows is not None and known is not None and rows != known:
        detail = f"{place} has {rows} rows, and the database {known}"
        return _problem(source, ProblemKind.WRONG_ROWS, detail, place)
    return None


def _check_rows(
    file: StoredFile, structure: TableStructure | RaggedStructure, *, quick: bool
) -> int:
    """Read the record batches of a file; return its number of rows. Raises StorageError."""
    declared = (
        structure.schema() if isinstance(structure, TableStructure) else ragged.schema(structure)
    )
    rows, place = 0, file_store().place(file)
    (partition,) = file_store().partitions([file])
    if quick:
        file_store().check(file)
        return partition.count()
    for batch in partition.batches():
        if batch.schema.names != declared.names:
            raise Unreadable(
                f"The partition {place} has the columns {', '.join(batch.schema.names)}, and the "
                f"node {', '.join(declared.names)}."
            )
        try:
            batch.validate(full=True)
        except pa.ArrowException as error:
            raise Unreadable(f"The partition {place} is damaged: {error}") from error
        rows += batch.num_rows
    return rows


def _check_block(
    file: StoredFile, link: DataSourceAsset, structure: SparseStructure, *, quick: bool
) -> None:
    if quick:
        file_store().check(file)
        return
    region = structure.block_region(block_index(structure, link.num or 0))
    sparse.parse_block(file_store().read(file), shape_of(region), file_store().place(file))


def _check_archive(file: StoredFile, *, quick: bool) -> None:
    place = file_store().place(file)
    if quick:
        file_store().check(file)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(file_store().read(file))) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        raise Unreadable(f"The buffers {place} cannot be read: {error}") from error
    if damaged:
        raise Unreadable(f"The buffer {damaged} in {place} is damaged.")


def _external_problem(source: DataSource, link: DataSourceAsset) -> Problem | None:
    uri = link.asset.data_uri
    try:
        path = external.resolve_uri(uri, storage_settings().readable)
        found = path.is_dir() if link.asset.is_directory else path.is_file()
        if found and (isinstance(path, ObjectPath) or os.access(path, os.R_OK)):
            return None
    except (StorageError, OSError) as error:
        return _problem(source, ProblemKind.EXTERNAL, str(error), uri)
    kind = "folder" if link.asset.is_directory else "file"
    detail = f"{path} is not a {kind} that this server may read"
    return _problem(source, ProblemKind.EXTERNAL, detail, path)


def _total_problem(source: DataSource) -> Problem | None:
    """Return the problem of a ragged array whose files do not have its rows together."""
    structure: Structure | None
    try:
        structure = source.node.structure
    except WireError as error:
        return _problem(source, ProblemKind.UNREADABLE, str(error), "")
    links = list(source.asset_links.all())
    if source.external or not links or not isinstance(structure, RaggedStructure):
        return None
    try:
        found = sum(count_rows(source, link) for link in links)
    except StorageError:
        return None  # the file is a problem already
    if found == structure.rows:
        return None
    detail = f"the files have {found} rows, and the array {structure.rows}"
    return _problem(source, ProblemKind.UNREADABLE, detail, "")


def _again(key: int, *, quick: bool) -> Problem | None:
    links = DataSourceAsset.objects.select_related("asset", "data_source__node")
    link = links.filter(pk=key).first()
    return None if link is None else _link_problem(link.data_source, link, quick=quick)


def _total_again(key: int) -> Problem | None:
    source = DataSource.objects.select_related("node").filter(pk=key).first()
    return None if source is None else _total_problem(source)


def _problem(source: DataSource, kind: ProblemKind, detail: str, file: Path | str) -> Problem:
    return Problem(kind, detail, source.node.path, source.node.uuid.hex, str(file))
