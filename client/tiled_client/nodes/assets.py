"""The files of a node, as they are."""

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

Place = tuple[Asset, str, str | None]
"""An asset, the folder that its files go to, and which file of it is meant if it is a folder."""


class AssetsMixin:
    """What of a node is about its files."""

    _http: HttpClient
    _path: Path

    def data_sources(self) -> tuple[DataSource, ...]:
        """How the data are kept."""
        raise NotImplementedError

    def asset_manifest(
        self, data_sources: Sequence[DataSource] | None = None
    ) -> dict[int, list[str] | None]:
        """The files of each asset that is a folder, by their paths in it; None for a single file.

        Assets are named by their numbers.
        """
        sources = self.data_sources() if data_sources is None else data_sources
        return {
            _number(asset): self._files(asset) if asset.is_directory else None
            for source in sources
            for asset in source.assets
        }

    def raw_export(
        self,
        destination: str | os.PathLike[str] | MutableMapping[str, io.BytesIO] | None = None,
        max_workers: int = 4,
    ) -> list[FilePath] | list[str]:
        """Download the files of the node into a folder, or into a mapping of names to `BytesIO`.

        Without a destination, that is the current folder. The files of several assets go to a
        folder for each, named by its number. A file appears under its name once it is complete.
        Returns the paths of the files, or the names in the mapping.
        """
        places = list(self._places())
        if isinstance(destination, MutableMapping):
            return [self._keep(place, destination) for place in places]
        folder = FilePath(destination or ".")
        return self._http.map(lambda place: self._save(place, folder), places)

    def delete_asset(self, number: int, *, external_only: bool = True) -> None:
        """Take an asset from the node; with `external_only=False` data of the server's own, too."""
        params = {"id": number, "external_only": external_only}
        self._http.delete("asset", self._path, params=params)

    def _places(self) -> Iterator[Place]:
        assets = [asset for source in self.data_sources() for asset in source.assets]
        for asset in assets:
            folder = "" if len(assets) == 1 else str(_number(asset))
            for name in self._files(asset) if asset.is_directory else [None]:
                yield asset, folder, name

    def _files(self, asset: Asset) -> list[str]:
        params = {"id": _number(asset)}
        found = self._http.get("asset/manifest", self._path, params=params).value()
        try:
            return [check_file_name(name) for name in found["manifest"]]
        except (KeyError, TypeError) as error:
            raise InvalidResponse("The server did not list the files of an asset.") from error

    def _download(self, asset: Asset, relative_path: str | None) -> Download:
        params: dict[str, Any] = {"id": _number(asset), "relative_path": relative_path}
        return Download(self._http, self._path, params)

    def _keep(self, place: Place, files: MutableMapping[str, io.BytesIO]) -> str:
        asset, folder, name = place
        content, download = io.BytesIO(), self._download(asset, name)
        download.write_to(lambda _: content)
        key = "/".join(filter(None, (folder, name or download.name)))
        content.seek(0)
        files[key] = content
        return key

    def _save(self, place: Place, destination: FilePath) -> FilePath:
        asset, folder, name = place
        opened: list[tuple[FilePath, BinaryIO]] = []

        def open_partial(said: str) -> BinaryIO:
            path = destination / folder / (name or said)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path.with_name(f"{path.name}.partial"), "wb")  # noqa: SIM115
            opened.append((path, file))
            return file

        try:
            self._download(asset, name).write_to(open_partial)
        except BaseException:
            for path, file in opened:
                file.close()
                with suppress(FileNotFoundError):
                    os.unlink(f"{path}.partial")
            raise
        ((path, file),) = opened
        file.close()
        os.replace(f"{path}.partial", path)
        return path


def _number(asset: Asset) -> int:
    if asset.id is None:
        raise InvalidResponse("The server did not number its assets.")
    return asset.id
