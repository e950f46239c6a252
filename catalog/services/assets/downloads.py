"""Raw files of a node: list, download and delete them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import BadRequest, Conflict, Forbidden, NotFound, NotSupported
from tiled_client.wire.structure_family import Management

from ...config import storage_settings
from ...locks.node_locks import node_lock
from ...locks.transaction_locks import durable_transaction
from ...lookup.nodes import resolve, resolve_for_update, split_path
from ...lookup.parts import reject_sub_node
from ...models import Asset, DataSource, DataSourceAsset, Node
from ...storage import external, files, raw_files
from ...storage.bucket_files.downloads import open_object
from ...storage.bucket_files.paths import ObjectPath
from ...storage.errors import MissingFile, OutsideReadable, Unreadable, Unsupported
from ..stores.files import OpenDownload, StoredFile, file_store

DOWNLOADING = "This Tiled server is configured not to allow downloading raw assets."
LISTING = "This Tiled server does not allow downloading raw assets."
DELETING = "This Tiled server does not allow deleting raw assets."


@dataclass(frozen=True, slots=True)
class RawFile:
    """An open file, and the name to offer for its download.

    `url` is where the client shall download it instead, if not from here.
    """

    name: str
    opened: OpenDownload
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """The outcome of a deletion: whether the asset's record, and its data, are gone."""

    asset: bool
    data: bool


def list_files(*, path: str, asset_id: int) -> list[str]:
    """Return the files of a folder, as paths relative to it.

    Raises Forbidden (downloads are disabled, or these files are not readable), NotFound,
    NotSupported (a node without files), BadRequest (not a folder).
    """
    _check_exposed(DOWNLOADING)
    source, asset = _found(split_path(path), asset_id)
    if not asset.is_directory:
        raise BadRequest("This asset is a single file, and has no manifest.")
    with _translate_storage_errors():
        if not source.external:
            return file_store().folder_names(source)
        place = external.resolve_uri(asset.data_uri, storage_settings().readable)
        return raw_files.manifest(place, _readable(place))


def open_asset(*, path: str, asset_id: int, relative_path: str | None) -> RawFile:
    """Open a file of a node; for a folder, the file at `relative_path` in it.

    Raises as `list_files` does, and BadRequest for a path that leaves the folder.
    """
    _check_exposed(LISTING)
    source, asset = _found(split_path(path), asset_id)
    if asset.is_directory and relative_path is None:
        raise BadRequest("This asset is a folder: name the file in it with relative_path.")
    if not asset.is_directory and relative_path is not None:
        raise BadRequest("This asset is a single file: omit relative_path.")
    with _translate_storage_errors():
        if not source.external and relative_path is not None:
            name = PurePosixPath(relative_path).name
            return RawFile(name, file_store().folder_download(source, relative_path))
        if not source.external:
            file = StoredFile.of(source.node.uuid, asset)
            opened, url = file_store().download(file), file_store().download_url(file)
            return RawFile(files.uri_name(asset.data_uri), opened, url)
        place = external.resolve_uri(asset.data_uri, storage_settings().readable)
        if relative_path is not None:
            place = raw_files.resolve_below(place, relative_path)
        if isinstance(place, ObjectPath):
            return RawFile(place.name, open_object(place))
        return RawFile(place.name, raw_files.open_file(place, _readable(place)))


def delete_asset(*, path: str, asset_id: int, external_only: bool) -> Deleted:
    """Remove an asset from a node, and its file if the server manages it.

    Raises as `list_files` does, and Conflict for internally managed data unless `external_only`
    is false.
    """
    _check_exposed(DELETING)
    segments = split_path(path)
    with (
        node_lock("/".join(segments)),
        reject_sub_node(segments, "raw assets"),
        durable_transaction(),
    ):
        source, asset = _asset_of(resolve_for_update(segments), asset_id)
        if not source.external and external_only:
            raise Conflict(
                "This asset is internally managed. Deleting the record will also delete the "
                "underlying data file. If you want to delete it, pass external_only=False."
            )
        gone = _untie(source, asset)
    return Deleted(asset=True, data=gone and not source.external)


def _untie(source: DataSource, asset: Asset) -> bool:
    """Unlink the asset from the source; return whether it had no other link and was deleted."""
    if source.pk is None:
        raise Conflict("Assets of further data sources of a node cannot be deleted alone.")
    source.asset_links.filter(asset=asset).delete()
    if DataSourceAsset.objects.filter(asset=asset).exists():
        return False
    if not source.external and asset.is_directory:
        file_store().discard_folder(source)
    elif not source.external:
        file_store().discard(StoredFile.of(source.node.uuid, asset))
    asset.delete()
    return True


def _check_exposed(refusal: str) -> None:
    if not storage_settings().expose_raw_assets:
        raise Forbidden(refusal)


def _found(segments: Sequence[str], asset_id: int) -> tuple[DataSource, Asset]:
    with reject_sub_node(segments, "raw assets"):
        return _asset_of(resolve(segments), asset_id)


def _asset_of(node: Node, asset_id: int) -> tuple[DataSource, Asset]:
    if node.source is None:
        raise NotSupported("This node does not support raw assets.")
    link = node.source.asset_links.filter(asset_id=asset_id).first()
    if link is not None:
        return node.source, link.asset
    further = _further_asset(node.source, asset_id)
    if further is None:
        raise NotFound(f"This node exists but it does not have an Asset with id {asset_id}")
    # Further data sources are always external files.
    return DataSource(node=node, management=Management.external), further


def _further_asset(source: DataSource, asset_id: int) -> Asset | None:
    ids = {asset["id"] for other in source.further or () for asset in other["assets"]}
    return Asset.objects.filter(pk=asset_id).first() if asset_id in ids else None


def _readable(place: Path) -> Path:
    """Return the readable folder that an external file lies in."""
    return external.readable_folder(place, storage_settings().readable)


@contextmanager
def _translate_storage_errors() -> Iterator[None]:
    """Translate storage errors into responses for a client that addresses a file by path."""
    try:
        yield
    except MissingFile as error:
        raise NotFound(str(error)) from error
    except (Unreadable, Unsupported) as error:
        raise BadRequest(str(error)) from error
    except OutsideReadable as error:
        raise Forbidden(str(error)) from error
