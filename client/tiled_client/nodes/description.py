"""Changing what a node is described as: its metadata, specs and access tags."""

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
    """What of a node is about its description."""

    _http: HttpClient
    _path: Path
    _resource: Resource

    def refresh(self) -> None:
        """Ask for the description again."""
        raise NotImplementedError

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the metadata, as last asked for."""
        return copy.deepcopy(self._resource.metadata)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """What the node declares itself to be."""
        return self._resource.specs

    @property
    def access_tags(self) -> list[str]:
        """A copy of the tags that decide who may see the node, as last asked for."""
        return list(self._resource.access_tags or ())

    @property
    def metadata_revisions(self) -> MetadataRevisions:
        """What the node was described as before each update."""
        return MetadataRevisions(self._http, self._path)

    def metadata_copy(self) -> tuple[dict[str, Any], list[Spec], list[str]]:
        """Metadata, specs and access tags, to change at will and give to `replace_metadata`."""
        return self.metadata, list(self.specs), self.access_tags

    def update_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Iterable[str] | None = None,
        drop_revision: bool = False,
    ) -> None:
        """Merge `metadata` into what is there (a value of None deletes its key).

        `specs` and `access_tags` are replaced, if given. The former state is kept as a revision
        unless `drop_revision`.
        """
        body = {"content-type": MERGE_PATCH, **_described(metadata, specs, access_tags)}
        self._change("PATCH", body, drop_revision)

    def replace_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Iterable[str] | None = None,
        drop_revision: bool = False,
    ) -> None:
        """Replace metadata, specs or access tags as a whole; what is None stays."""
        self._change("PUT", _described(metadata, specs, access_tags), drop_revision)

    def patch_metadata(
        self,
        metadata_patch: Any = None,
        specs_patch: Any = None,
        access_tags_patch: Any = None,
        content_type: str = JSON_PATCH,
        drop_revision: bool = False,
    ) -> None:
        """Apply patches: JSON Patch (RFC 6902), or by `content_type` JSON Merge Patch (RFC 7386).

        All of them are applied to what is stored at that moment, or none. An operation `test` makes
        it depend on what that is: Conflict is raised where it does not hold.
        """
        body = {
            "content-type": content_type,
            "metadata": metadata_patch,
            "specs": specs_patch,
            "access_tags": access_tags_patch,
        }
        self._change("PATCH", body, drop_revision)

    def _change(self, method: str, body: Mapping[str, Any], drop_revision: bool) -> None:
        params = {"drop_revision": True} if drop_revision else {}
        send = self._http.put if method == "PUT" else self._http.patch
        send("metadata", self._path, body, params=params)
        self.refresh()


def _described(
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
