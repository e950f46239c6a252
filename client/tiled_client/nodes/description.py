"""Metadata, specs and access tags of a node."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ..arguments import flag, mapping, names_of
from ..documents import Resource, SpecLike, read_specs
from ..http.operations import operation
from ..http.request_client import RequestClient
from ..jsonable import jsonable
from ..public_surface import PublicSurface
from ..read_only import read_only
from ..uris import Path
from ..wire.specs import Spec

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class MetadataMixin(PublicSurface):
    """Methods that read and change a node's metadata, specs and access tags."""

    @property
    def _requests(self) -> RequestClient:
        raise NotImplementedError

    _path: Path
    _resource: Resource

    async def _refresh(self) -> None:
        raise NotImplementedError

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata, as last fetched: a dict that cannot be changed.

        Use `update_metadata` to change the metadata on the server, and `metadata_copy` for a dict
        to change. Both this dict and those in it raise TypeError when they are changed.
        """
        view: dict[str, Any] = read_only(self._resource.metadata)
        return view

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The specs that the node declares."""
        return self._resource.specs

    @property
    def access_tags(self) -> list[str]:
        """The tags that decide which principals can see the node, as last fetched; read-only."""
        tags: list[str] = read_only(self._resource.access_tags or [])
        return tags

    def metadata_copy(self) -> tuple[dict[str, Any], list[Spec], list[str]]:
        """Return copies of metadata, specs and access tags, to change and `replace_metadata`.

        Returns
        -------
        tuple
            A dict of metadata, a list of `Spec`, and a list of access tags.

        Examples
        --------
        >>> metadata, specs, tags = x.metadata_copy()
        >>> metadata["color"] = "blue"
        >>> x.replace_metadata(metadata)
        """
        resource = self._resource
        return copy.deepcopy(resource.metadata), list(self.specs), list(resource.access_tags or ())

    @operation
    async def update_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Iterable[str] | None = None,
        drop_revision: bool = False,
    ) -> None:
        """Merge `metadata` into the stored metadata.

        Parameters
        ----------
        metadata
            Merged as by JSON Merge Patch: a value of None deletes its key.
        specs, access_tags
            Replace the stored ones, unless None.
        drop_revision
            Do not save the state before as a revision.

        Examples
        --------
        >>> x.update_metadata({"color": "red"})
        >>> x.metadata
        {'color': 'red'}
        """
        body = {"content-type": MERGE_PATCH, **_update_body(metadata, specs, access_tags)}
        await self._send_update("PATCH", body, drop_revision)

    @operation
    async def replace_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Iterable[str] | None = None,
        drop_revision: bool = False,
    ) -> None:
        """Replace metadata, specs or access tags as a whole; those that are None stay.

        Parameters
        ----------
        metadata, specs, access_tags
            The new values.
        drop_revision
            Do not save the state before as a revision.

        Examples
        --------
        >>> x.replace_metadata({"sample": "A"})
        >>> x.metadata
        {'sample': 'A'}
        """
        await self._send_update("PUT", _update_body(metadata, specs, access_tags), drop_revision)

    @operation
    async def patch_metadata(
        self,
        metadata_patch: Any = None,
        specs_patch: Any = None,
        access_tags_patch: Any = None,
        content_type: str = JSON_PATCH,
        drop_revision: bool = False,
    ) -> None:
        """Apply patches to metadata, specs and access tags: all of them, or none.

        Parameters
        ----------
        metadata_patch, specs_patch, access_tags_patch
            The patches; JSON Patch (RFC 6902) unless `content_type` says otherwise.
        content_type
            `application/json-patch+json`, or `application/merge-patch+json` for JSON Merge Patch
            (RFC 7386).
        drop_revision
            Do not save the state before as a revision.

        Raises
        ------
        Conflict
            If an operation `test` fails, which compares a value with the stored document.

        Examples
        --------
        >>> x.patch_metadata([{"op": "add", "path": "/run", "value": 7}])
        >>> x.metadata
        {'run': 7}
        """
        patches = {
            "metadata": metadata_patch,
            "specs": specs_patch,
            "access_tags": access_tags_patch,
        }
        for name, patch in patches.items():
            if content_type == JSON_PATCH and isinstance(patch, (Mapping, str)):
                raise TypeError(
                    f"{name}_patch must be a list of operations of JSON Patch, not {patch!r}: use "
                    f"update_metadata to merge a mapping, or content_type={MERGE_PATCH!r}"
                )
        body = {"content-type": content_type, **patches}
        await self._send_update("PATCH", body, drop_revision)

    async def _send_update(self, method: str, body: Mapping[str, Any], drop_revision: bool) -> None:
        params = {"drop_revision": True} if flag(drop_revision, "drop_revision") else {}
        send = self._requests.put if method == "PUT" else self._requests.patch
        await send("metadata", self._path, body, params=params, node=self._resource.node_id)
        await self._refresh()


def _update_body(
    metadata: Mapping[str, Any] | None,
    specs: Iterable[SpecLike] | None,
    access_tags: Iterable[str] | None,
) -> dict[str, Any]:
    tags = None if access_tags is None else names_of(access_tags, "access_tags")
    return {
        "metadata": None if metadata is None else jsonable(mapping(metadata, "metadata")),
        "specs": None if specs is None else [spec.to_json() for spec in read_specs(specs)],
        "access_tags": tags,
    }
