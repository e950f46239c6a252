"""Data sources and asset files of a node."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any, BinaryIO

from ..arguments import flag, whole_number
from ..errors import InvalidResponse
from ..http.downloads import Download, check_file_name
from ..http.operations import operation
from ..http.request_client import RequestClient
from ..public_surface import PublicSurface
from ..uris import Path
from ..wire.data_sources import Asset, DataSource

AssetFile = tuple[Asset, str, str | None]
"""An asset, the folder to download to, and the file's path in the asset if that is a folder."""


class AssetsMixin(PublicSurface):
    """Methods that list, download and delete the files of a node."""

    @property
    def _requests(self) -> RequestClient:
        raise NotImplementedError

    _path: Path

    async def _fetch_data_sources(self) -> tuple[DataSource, ...]:
        raise NotImplementedError

    @operation
    async def asset_manifest(
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
        sources = await self._fetch_data_sources() if data_sources is None else data_sources
        return {
            _id(asset): await self._files(asset) if asset.is_directory else None
            for source in sources
            for asset in source.assets
        }

    @operation
    async def raw_export(
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
        files = await self._asset_files()
        if isinstance(destination, MutableMapping):
            return [await self._download_to_memory(file, destination) for file in files]
        folder = FilePath(destination or ".")
        return await self._requests.map(lambda file: self._download_to_folder(file, folder), files)

    @operation
    async def delete_asset(self, number: int, *, external_only: bool = True) -> None:
        """Remove an asset from the node.

        Parameters
        ----------
        number
            The id of the asset.
        external_only
            Reject the request for files that the server manages; if False, these are deleted.
        """
        params = {
            "id": whole_number(number, "number"),
            "external_only": flag(external_only, "external_only"),
        }
        await self._requests.delete("asset", self._path, params=params)

    async def _asset_files(self) -> list[AssetFile]:
        sources = await self._fetch_data_sources()
        assets = [asset for source in sources for asset in source.assets]
        files: list[AssetFile] = []
        for asset in assets:
            folder = "" if len(assets) == 1 else str(_id(asset))
            names = await self._files(asset) if asset.is_directory else [None]
            files += [(asset, folder, name) for name in names]
        return files

    async def _files(self, asset: Asset) -> list[str]:
        params = {"id": _id(asset)}
        response = await self._requests.get("asset/manifest", self._path, params=params)
        found = response.value()
        try:
            return [check_file_name(name) for name in found["manifest"]]
        except (KeyError, TypeError) as error:
            raise InvalidResponse("The server sent no list of an asset's files.") from error

    def _download(
        self, asset: Asset, relative_path: str | None, open_file: Callable[[str], BinaryIO]
    ) -> Download:
        params: dict[str, Any] = {"id": _id(asset), "relative_path": relative_path}
        return Download(self._requests, self._path, params, open_file)

    async def _download_to_memory(
        self, file: AssetFile, contents: MutableMapping[str, io.BytesIO]
    ) -> str:
        asset, folder, name = file
        content = io.BytesIO()
        download = self._download(asset, name, lambda _: content)
        await download.run()
        key = "/".join(filter(None, (folder, name or download.name)))
        content.seek(0)
        contents[key] = content
        return key

    async def _download_to_folder(self, file: AssetFile, destination: FilePath) -> FilePath:
        asset, folder, name = file
        opened: list[tuple[FilePath, BinaryIO]] = []

        def open_partial(server_name: str) -> BinaryIO:
            path = destination / folder / (name or server_name)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = open(path.with_name(f"{path.name}.partial"), "wb")  # noqa: SIM115
            opened.append((path, partial))
            return partial

        try:
            await self._download(asset, name, open_partial).run()
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
