"""Data sources and asset files of a node."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any, BinaryIO

from ..errors import InvalidResponse
from ..http.client import HttpClient
from ..http.downloads import Download, check_file_name
from ..uris import Path
from ..wire.data_sources import Asset, DataSource

AssetFile = tuple[Asset, str, str | None]
"""An asset, the folder to download to, and the file's path in the asset if that is a folder."""


class AssetsMixin:
    """Methods that list, download and delete the files of a node."""

    _http: HttpClient
    _path: Path

    def data_sources(self) -> tuple[DataSource, ...]:
        """Fetch the data sources of the node."""
        raise NotImplementedError

    def asset_manifest(
        self, data_sources: Sequence[DataSource] | None = None
    ) -> dict[int, list[str] | None]:
        """List the files of the node's assets.

        Parameters
        ----------
        data_sources
            Data sources whose assets to list; by default, all of the node.

        Returns
        -------
        dict
            For each asset, by its id: the paths of its files if it is a folder, or None.
        """
        sources = self.data_sources() if data_sources is None else data_sources
        return {
            _id(asset): self._files(asset) if asset.is_directory else None
            for source in sources
            for asset in source.assets
        }

    def raw_export(
        self,
        destination: str | os.PathLike[str] | MutableMapping[str, io.BytesIO] | None = None,
        max_workers: int = 4,
    ) -> list[FilePath] | list[str]:
        """Download the files of the node, as they are stored.

        The files of several assets go to one folder each, named by the asset's id. A file appears
        under its name when it is complete.

        Parameters
        ----------
        destination
            A folder, by default the current one; or a mapping, to which a `BytesIO` is added for
            each file.
        max_workers
            Ignored; kept for compatibility with Tiled's client. See `HttpOptions.connections`.

        Returns
        -------
        list
            The paths of the files, or their keys in the mapping.
        """
        files = list(self._asset_files())
        if isinstance(destination, MutableMapping):
            return [self._download_to_memory(file, destination) for file in files]
        folder = FilePath(destination or ".")
        return self._http.map(lambda file: self._download_to_folder(file, folder), files)

    def delete_asset(self, number: int, *, external_only: bool = True) -> None:
        """Remove an asset from the node.

        Parameters
        ----------
        number
            The id of the asset.
        external_only
            Reject the request for files that the server manages; if False, these are deleted.
        """
        params = {"id": number, "external_only": external_only}
        self._http.delete("asset", self._path, params=params)

    def _asset_files(self) -> Iterator[AssetFile]:
        assets = [asset for source in self.data_sources() for asset in source.assets]
        for asset in assets:
            folder = "" if len(assets) == 1 else str(_id(asset))
            for name in self._files(asset) if asset.is_directory else [None]:
                yield asset, folder, name

    def _files(self, asset: Asset) -> list[str]:
        params = {"id": _id(asset)}
        found = self._http.get("asset/manifest", self._path, params=params).value()
        try:
            return [check_file_name(name) for name in found["manifest"]]
        except (KeyError, TypeError) as error:
            raise InvalidResponse("The server sent no list of an asset's files.") from error

    def _download(self, asset: Asset, relative_path: str | None) -> Download:
        params: dict[str, Any] = {"id": _id(asset), "relative_path": relative_path}
        return Download(self._http, self._path, params)

    def _download_to_memory(
        self, file: AssetFile, contents: MutableMapping[str, io.BytesIO]
    ) -> str:
        asset, folder, name = file
        content, download = io.BytesIO(), self._download(asset, name)
        download.write_to(lambda _: content)
        key = "/".join(filter(None, (folder, name or download.name)))
        content.seek(0)
        contents[key] = content
        return key

    def _download_to_folder(self, file: AssetFile, destination: FilePath) -> FilePath:
        asset, folder, name = file
        opened: list[tuple[FilePath, BinaryIO]] = []

        def open_partial(server_name: str) -> BinaryIO:
            path = destination / folder / (name or server_name)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = open(path.with_name(f"{path.name}.partial"), "wb")  # noqa: SIM115
            opened.append((path, partial))
            return partial

        try:
            self._download(asset, name).write_to(open_partial)
        except BaseException:
            for path, partial in opened:
                partial.close()
                with suppress(FileNotFoundError):
                    os.unlink(f"{path}.partial")
            raise
        ((path, partial),) = opened
        partial.close()
        os.replace(f"{path}.partial", path)
        return path


def _id(asset: Asset) -> int:
    if asset.id is None:
        raise InvalidResponse("The server sent an asset without an id.")
    return asset.id
