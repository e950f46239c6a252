"""Metadata, specs and access tags of a node."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..documents import Resource, SpecLike, read_specs
from ..http.client import HttpClient
from ..uris import Path
from ..wire.specs import Spec
from .revisions import MetadataRevisions

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class MetadataMixin:
    """Methods that read and change a node's metadata, specs and access tags."""

    _http: HttpClient
    _path: Path
    _resource: Resource

    def refresh(self) -> None:
        """Fetch the node's document again."""
        raise NotImplementedError

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the metadata, as last fetched."""
        return copy.deepcopy(self._resource.metadata)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The specs that the node declares."""
        return self._resource.specs

    @property
    def access_tags(self) -> list[str]:
        """A copy of the tags that decide which principals can see the node, as last fetched."""
        return list(self._resource.access_tags or ())

    @property
    def metadata_revisions(self) -> MetadataRevisions:
        """The metadata and specs before each update."""
        return MetadataRevisions(self._http, self._path)

    def metadata_copy(self) -> tuple[dict[str, Any], list[Spec], list[str]]:
        """Return copies of metadata, specs and access tags, to change and `replace_metadata`."""
        return self.metadata, list(self.specs), self.access_tags

    def update_metadata(
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
        self._send_update("PATCH", body, drop_revision)

    def replace_metadata(
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
        """
        self._send_update("PUT", _update_body(metadata, specs, access_tags), drop_revision)

    def patch_metadata(
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
            If an operation `test` fails, which makes the patch depend on what is stored.
        """
        body = {
            "content-type": content_type,
            "metadata": metadata_patch,
            "specs": specs_patch,
            "access_tags": access_tags_patch,
        }
        self._send_update("PATCH", body, drop_revision)

    def _send_update(self, method: str, body: Mapping[str, Any], drop_revision: bool) -> None:
        params = {"drop_revision": True} if drop_revision else {}
        send = self._http.put if method == "PUT" else self._http.patch
        send("metadata", self._path, body, params=params)
        self.refresh()


def _update_body(
    metadata: Mapping[str, Any] | None,
    specs: Iterable[SpecLike] | None,
    access_tags: Iterable[str] | None,
) -> dict[str, Any]:
    tags: Sequence[str] | None = None if access_tags is None else list(access_tags)
    return {
        "metadata": metadata,
        "specs": None if specs is None else [spec.to_json() for spec in read_specs(specs)],
        "access_tags": tags,
    }
