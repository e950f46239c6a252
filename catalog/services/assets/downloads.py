"""The files of a node as they are: listed, read, and taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction

from core.errors import BadRequest, Conflict, Forbidden, NotFound, NotSupported

from ...config import storage_settings
from ...locks.node_locks import node_lock
from ...lookup.nodes import resolve, resolve_for_update, split_path
from ...lookup.parts import parts_refused
from ...models import Asset, DataSource, DataSourceAsset, Node
from ...storage import external, files, raw_files
from ...storage.errors import MissingFile, OutsideReadable, Unreadable, Unsupported
from .stores import array_folder, stored_file

DOWNLOADING = "This Tiled server is configured not to allow downloading raw assets."
LISTING = "This Tiled server does not allow downloading raw assets."
DELETING = "This Tiled server does not allow deleting raw assets."


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file that is open, and the name by which it is known."""

    name: str
    opened: raw_files.OpenFile


@dataclass(frozen=True, slots=True)
class Deleted:
    """Whether the record of an asset is gone, and whether its data are."""

    asset: bool
    data: bool


def list_files(*, path: str, asset_id: int) -> list[str]:
    """The files of a folder, by their paths from there.

    Raises Forbidden (the site shows no files, or not these), NotFound, NotSupported (a node without
    files), BadRequest (not a folder).
    """
    _check_exposed(DOWNLOADING)
    source, asset = _found(split_path(path), asset_id)
    if not asset.is_directory:
        raise BadRequest("This asset is a single file, and has no manifest.")
    with _said_plainly():
        place = _place(source, asset)
        return raw_files.manifest(place, _readable(source, place))


def open_asset(*, path: str, asset_id: int, relative_path: str | None) -> RawFile:
    """Open a file of a node; of a folder, the one at `relative_path` in it.

    Raises as `list_files`, BadRequest also for a path that does not stay within the folder.
    """
    _check_exposed(LISTING)
    source, asset = _found(split_path(path), asset_id)
    if asset.is_directory and relative_path is None:
        raise BadRequest("This asset is a folder: say which file of it, with relative_path.")
    if not asset.is_directory and relative_path is not None:
        raise BadRequest("This asset is a single file: it is asked for without relative_path.")
    with _said_plainly():
        place = _place(source, asset)
        if relative_path is not None:
            place = raw_files.resolve_below(place, relative_path)
        opened = raw_files.open_file(place, _readable(source, place))
    if not source.external and asset.size is not None:
        # What lies behind that was left by a crash, or is just being written.
        opened = replace(opened, size=min(opened.size, asset.size))
    return RawFile(place.name, opened)


def delete_asset(*, path: str, asset_id: int, external_only: bool) -> Deleted:
    """Take an asset from a node; its file goes with it where it is the server's own.

    Raises as `list_files`, and Conflict for the server's own data unless `external_only` is false.
    """
    _check_exposed(DELETING)
    segments = split_path(path)
    with node_lock("/".join(segments)):
        with parts_refused(segments, "raw assets"), transaction.atomic():
            source, asset = _asset_of(resolve_for_update(segments), asset_id)
            if not source.external and external_only:
                raise Conflict(
                    "This asset is internally managed. Deleting the record will also delete the "
                    "underlying data file. If you want to delete it, pass external_only=False."
                )
            place = None if source.external else _place(source, asset)
            gone = _untie(source, asset)
        if place is not None and gone:
            files.remove_stored(storage_settings().directory, place)
    return Deleted(asset=True, data=place is not None and gone)


def _untie(source: DataSource, asset: Asset) -> bool:
    """Forget that the asset is the source's; whether no other has it, and it is forgotten."""
    source.asset_links.filter(asset=asset).delete()
    if DataSourceAsset.objects.filter(asset=asset).exists():
        return False
    asset.delete()
    return True


def _check_exposed(refusal: str) -> None:
    if not storage_settings().expose_raw_assets:
        raise Forbidden(refusal)


def _found(segments: Sequence[str], asset_id: int) -> tuple[DataSource, Asset]:
    with parts_refused(segments, "raw assets"):
        return _asset_of(resolve(segments), asset_id)


def _asset_of(node: Node, asset_id: int) -> tuple[DataSource, Asset]:
    if node.source is None:
        raise NotSupported("This node does not support raw assets.")
    link = node.source.asset_links.filter(asset_id=asset_id).first()
    if link is None:
        raise NotFound(f"This node exists but it does not have an Asset with id {asset_id}")
    return node.source, link.asset


def _place(source: DataSource, asset: Asset) -> Path:
    if source.external:
        return external.resolve_uri(asset.data_uri, storage_settings().readable)
    if asset.is_directory:
        return array_folder(source.node.uuid, source.folder)
    return stored_file(source.node.uuid, asset.data_uri)


def _readable(source: DataSource, place: Path) -> Path | None:
    """The folder below which a file of others is opened; None for the server's own."""
    if not source.external:
        return None
    return external.readable_folder(place, storage_settings().readable)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Errors of the storage, as those of whoever asks for a file by its path."""
    try:
        yield
    except MissingFile as error:
        raise NotFound(str(error)) from error
    except (Unreadable, Unsupported) as error:
        raise BadRequest(str(error)) from error
    except OutsideReadable as error:
        raise Forbidden(str(error)) from error
