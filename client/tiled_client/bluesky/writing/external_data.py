"""Files with the data of detectors: registered with their first frames, and updated as they grow.

How documents describe files of each format is known to the consolidators of bluesky-tiled-plugins,
which other packages may add to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...optional import require_package
from ...wire.data_sources import DataSource
from .run_nodes import RunNodes

CONSOLIDATORS = "bluesky_tiled_plugins.writing.consolidators"


class GrowingFiles(NamedTuple):
    """The writer of the node of some files, and what follows how they grow."""

    writer: Any
    consolidator: Any


class ExternalData:
    """The files that the documents of one run refer to."""

    def __init__(self, run: RunNodes, batch_size: int) -> None:
        self._run, self._batch_size = run, batch_size
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._files: dict[str, GrowingFiles] = {}
        # By stream and data key: further resources of the same data are added to their node.
        self._by_data: dict[tuple[str, str], GrowingFiles] = {}
        self._waiting: dict[str, dict[str, Any]] = {}

    def add_resource(self, document: Mapping[str, Any]) -> None:
        """Take a `stream_resource`."""
        self._resources[document["uid"]] = document

    def add(self, document: dict[str, Any]) -> None:
        """Take a `stream_datum`; announce the frames once there are enough of them."""
        if self._batch_size <= 1:
            self._announce(document)
            return
        resource = document["stream_resource"]
        before = self._waiting.pop(resource, None)
        joined = document if before is None else _joined(before, document)
        if joined is None:
            assert before is not None
            self._announce(before)
            self._announce(document)
        elif before is not None and _count(joined) >= self._batch_size:
            self._announce(joined)
        else:
            self._waiting[resource] = joined

    def finish(self) -> None:
        """Announce all frames that wait, once for each node, and complete the metadata."""
        waiting, self._waiting = self._waiting, {}
        patches: dict[int, list[Any]] = {}
        files: dict[int, GrowingFiles] = {}
        for document in waiting.values():
            found = self._registered(document)
            files[id(found.consolidator)] = found
            patch = found.consolidator.consume_stream_datum(document)
            patches.setdefault(id(found.consolidator), []).append(patch)
        combine = require_package(CONSOLIDATORS, "bluesky").Patch.combine_patches
        for number, found in files.items():
            _update(found, combine(patches[number]))
        for found in self._by_data.values():
            if metadata := found.consolidator.metadata:
                found.writer.update_metadata(metadata, drop_revision=True)

    def close_streams(self) -> None:
        """Tell subscribers that there are no more frames."""
        for found in self._by_data.values():
            found.writer.close_stream()

    def _announce(self, document: Mapping[str, Any]) -> None:
        found = self._registered(document)
        _update(found, found.consolidator.consume_stream_datum(document))

    def _registered(self, document: Mapping[str, Any]) -> GrowingFiles:
        """Return the node of the files of a `stream_datum`, which is created if it is new."""
        uid = document["stream_resource"]
        if uid not in self._files:
            self._files[uid] = self._register(uid, document["descriptor"])
        return self._files[uid]

    def _register(self, uid: str, descriptor: str) -> GrowingFiles:
        resource = self._resources.get(uid)
        if resource is None:
            raise RuntimeError(
                f"The stream_datum refers to the stream_resource {uid}, which was not received."
            )
        stream = self._run.stream_of(descriptor)
        place = (stream.name, resource["data_key"])
        if (known := self._by_data.get(place)) is not None:
            known.consolidator.update_from_stream_resource(resource)
            return known
        factory = require_package(CONSOLIDATORS, "bluesky").consolidator_factory
        consolidator = factory(resource, stream.metadata)
        source = _data_source(consolidator)
        writer = self._run.create(stream.node, consolidator.data_key, source)
        self._by_data[place] = found = GrowingFiles(writer, consolidator)
        return found


def _update(found: GrowingFiles, patch: Any) -> None:
    source = _data_source(found.consolidator)
    region = {"offset": patch.offset, "shape": patch.shape} if patch else {}
    found.writer.update_data_source(source, **region)


def _data_source(consolidator: Any) -> DataSource:
    dump = require_package("tiled.utils", "bluesky").safe_json_dump
    described = json.loads(dump(consolidator.get_data_source()))
    return DataSource.from_json({**described, "id": None})


def _count(document: Mapping[str, Any]) -> int:
    indices: Mapping[str, int] = document["indices"]
    return indices["stop"] - indices["start"]


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return two adjoining `stream_datum` as one, or None if they do not adjoin."""
    if first["descriptor"] != second["descriptor"]:
        return None
    if first["indices"]["start"] > second["indices"]["start"]:
        first, second = second, first
    if first["indices"]["stop"] != second["indices"]["start"]:
        return None
    ranges = {
        name: {"start": first[name]["start"], "stop": second[name]["stop"]}
        for name in ("indices", "seq_nums")
    }
    return {**second, **ranges}
