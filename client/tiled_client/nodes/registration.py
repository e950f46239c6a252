"""Method of containers that registers files, which the server inspects."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..documents import Resource, read_specs
from ..errors import InvalidResponse, NodeExists, NodeNotFound, NotSupported, RequestRejected
from ..http.operations import operation
from ..http.request_client import NODE_HEADER, RequestClient
from ..jsonable import jsonable
from ..uris import Path, is_uri
from .base import NodeOperations, request_resource
from .creation import NodeFields
from .existing import check_choice, check_files

if TYPE_CHECKING:
    from typing import Unpack

FileName = str | os.PathLike[str]
# Reasons that a warning lists; a folder may have thousands of files that cannot be read.
MAX_REASONS = 5


class RegistrationOperations(NodeOperations):
    """A container in which files can be registered."""

    @operation
    async def register(
        self,
        files: FileName | Iterable[FileName],
        *,
        mimetype: str | None = None,
        recursive: bool = True,
        **fields: Unpack[NodeFields],
    ) -> Any:
        """Create a node of files on the server, which inspects them and reads them on request.

        Parameters
        ----------
        files
            A path, as the server knows it, of a file or a folder; a path with wildcards in its last
            part, for a stack of images in the order of their numbers; or a list of files, for one
            stack or table. The server must be allowed to read their folder. Relative paths are in
            the current folder of this process. Files in a bucket have URIs, percent-encoded:
            ``s3://bucket/run%201/img_*.tif``.
        mimetype
            Format of the files; by default that of their extension.
        recursive
            Register the subfolders of a folder, too.
        **fields
            `key` of the node (by default the name of the file, without number and extension),
            `metadata` (added to those of the file), `specs` and `access_tags`, as for
            `write_array`; `if_exists="open"` returns a node that has these files, and "replace"
            registers them again.

        Returns
        -------
        Node
            The new node: an array, a table, or a container with the contents of an HDF5 file, a
            Zarr group, an Excel workbook or a folder. Files of a folder that cannot be read are
            reported by a warning.

        Raises
        ------
        Forbidden
            If the server may not read the folder.
        NodeNotFound
            If there are no such files.
        UnsupportedMedia
            If the server does not know their format.
        Invalid
            If a file is damaged.
        NodeExists
            If the key exists; with `if_exists="open"`, if that node has other files.
        NotSupported
            If the server cannot inspect files.

        Examples
        --------
        >>> client.register("/data/beamline/img_*.tif", key="images")  # doctest: +SKIP
        <ArrayClient '/images' shape=(100, 512, 512) ...>
        """
        paths = [files] if isinstance(files, (str, os.PathLike)) else list(files)
        specs = fields.get("specs")
        body = {
            "files": [_absolute(path) for path in paths],
            "mimetype": mimetype,
            "id": fields.get("key"),
            "metadata": jsonable(fields.get("metadata") or {}),
            "specs": None if specs is None else [spec.to_json() for spec in read_specs(specs)],
            "access_tags": fields.get("access_tags"),
        }
        if_exists = fields.get("if_exists", "error")
        check_choice(if_exists)
        try:
            made = await _register(self._requests, self._path, body, replace=if_exists == "replace")
        except NodeExists as error:
            if if_exists != "open" or not error.path:
                raise
            return await self._open_registered(error.path, body["files"])
        reasons = made.reasons
        if recursive:
            reasons = reasons + await _register_folders(
                self._requests, made, fields.get("access_tags")
            )
        if reasons:
            # The blocking client's frames: this one, `run`, the method.
            warnings.warn(_warning(reasons), stacklevel=4)
        return self.described(made.path, made.resource)

    async def _open_registered(self, path: Path, files: Sequence[str]) -> Any:
        found = await request_resource(self._requests, path, include_data_sources=True)
        check_files(path, found, files)
        return self.described(path, found)


@dataclass(frozen=True, slots=True)
class _Registered:
    """A registered node; of a folder also its subfolders, and the files that were not registered.

    `reasons` has a line for each of these.
    """

    path: Path
    resource: Resource
    folders: list[str]
    reasons: list[str]


async def _register(
    requests: RequestClient, parent: Path, body: Mapping[str, Any], *, replace: bool = False
) -> _Registered:
    params = {"replace": True} if replace else {}
    try:
        response = await requests.create("register-files", parent, body, params=params)
        value = response.value()
    except (NodeNotFound, NotSupported) as error:
        if requests.supports_idempotency:
            raise
        raise NotSupported(
            "This server cannot inspect files: describe them by data sources, and pass these to "
            "new()."
        ) from error
    try:
        meta, folder = value["meta"], body["files"][0].rstrip("/")
        resource = Resource.from_json(value["data"])
        resource.node_id = response.headers.get(NODE_HEADER)
        return _Registered(
            (*parent, value["data"]["id"]),
            resource,
            [f"{folder}/{quote(name) if is_uri(folder) else name}" for name in meta["folders"]],
            [f"{folder}/{name}: {why}" for name, why in meta["skipped"].items()],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidResponse("The server sent no document of the registered node.") from error


async def _register_folders(
    requests: RequestClient, made: _Registered, access_tags: Sequence[str] | None
) -> list[str]:
    """Register the folders below a registered one; return why files in them were not."""
    reasons: list[str] = []
    waiting = [(made.path, folder) for folder in made.folders]
    while waiting:
        parent, folder = waiting.pop()
        try:
            found = await _register(
                requests, parent, {"files": [folder], "access_tags": access_tags}
            )
        except RequestRejected as error:
            reasons.append(f"{folder}: {error.detail}")
            continue
        reasons += found.reasons
        waiting += [(found.path, below) for below in found.folders]
    return reasons


def _warning(reasons: Sequence[str]) -> str:
    listed = "".join(f"\n{reason}" for reason in reasons[:MAX_REASONS])
    more = len(reasons) - MAX_REASONS
    rest = f"\nand {more} more" if more > 0 else ""
    return f"Files were not registered:{listed}{rest}"


def _absolute(path: FileName) -> str:
    text = os.fspath(path)
    return text if is_uri(text) else os.path.abspath(os.path.expanduser(text))
