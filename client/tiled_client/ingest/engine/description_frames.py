"""The frames that change how a node is described: its metadata, or the files with its data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...arguments import flag, mapping, names_of, whole_number, whole_numbers
from ...documents import SpecLike, read_specs
from ...jsonable import jsonable
from ...wire.data_sources import DataSource
from .frames import FrameContent

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


def metadata_frame(
    metadata: Mapping[str, Any] | None,
    specs: Iterable[SpecLike] | None,
    access_tags: Iterable[str] | None,
    *,
    merge: bool,
    drop_revision: bool,
) -> FrameContent:
    """Return the frame that merges metadata into the stored ones, or replaces them."""
    body = {
        "metadata": None if metadata is None else jsonable(mapping(metadata, "metadata")),
        "specs": None if specs is None else [spec.to_json() for spec in read_specs(specs)],
        "access_tags": None if access_tags is None else names_of(access_tags, "access_tags"),
        "drop_revision": flag(drop_revision, "drop_revision"),
    }
    if merge:
        body["content-type"] = MERGE_PATCH
    return FrameContent({"op": "metadata"}, json.dumps(body).encode())


def metadata_patch_frame(
    patch: Sequence[Mapping[str, Any]], *, drop_revision: bool
) -> FrameContent:
    """Return the frame that applies a JSON Patch to the metadata."""
    body = {
        "content-type": JSON_PATCH,
        "metadata": jsonable(list(patch), "metadata_patch"),
        "specs": None,
        "access_tags": None,
        "drop_revision": flag(drop_revision, "drop_revision"),
    }
    return FrameContent({"op": "metadata"}, json.dumps(body).encode())


def data_source_frame(
    source: DataSource,
    offset: Sequence[int] | int | None,
    shape: Sequence[int] | int | None,
    partition: int | None,
) -> FrameContent:
    """Return the frame that replaces the data source of a node."""
    if (offset is None) is not (shape is None):
        raise ValueError("offset and shape go together: give both or neither")
    header: dict[str, Any] = {"op": "data_source"}
    if offset is not None and shape is not None:
        header["offset"] = list(whole_numbers(offset, "offset", minimum=0))
        header["shape"] = list(whole_numbers(shape, "shape", minimum=0))
    if partition is not None:
        header["partition"] = whole_number(partition, "partition", minimum=0)
    body = {"data_source": source.to_json()}
    return FrameContent(header, json.dumps(body).encode())
