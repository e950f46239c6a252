"""The documents of a run of spec `BlueskyRun` 3, in the layout of its writer.

A run is a container of streams. A stream is a container with the metadata of its descriptor; it has
a table `internal` with a row per event (or several, `internal_0` and so on, that share its
columns), arrays and ragged arrays with a row per event, and arrays in external files, which become
a stream resource and a stream datum. Source: bluesky-tiled-plugins 2.0.12.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.errors import NotAcceptable

from ...services.nodes.subtrees import Subtree
from ..exports import Export
from ..json_pieces import json_of
from .events import DescriptorTimes, events
from .external_files import stream_datum, stream_resource

SPEC, STREAM = "BlueskyRun", "BlueskyEventStream"
VERSION = "3."
RECORD, END = b"\x1e", b"\n"
# In an older layout, the streams are in a container of this key.
LEGACY_STREAMS_KEY = "streams"
NON_DESCRIPTOR_KEYS = {"_config_updates", "stream_name"}


def documents(export: Export[Subtree]) -> Iterator[bytes]:
    """Yield JSON objects of `name` and `doc` as a JSON text sequence (RFC 7464).

    The order is start, descriptors and events by time, stream resources and datums, stop.
    """
    versions = [s.get("version") or "" for s in export.data.node.specs if s["name"] == SPEC]
    if not any(version.startswith(VERSION) for version in versions):
        raise NotAcceptable(f"Only a {SPEC} of version 3 can be exported as documents.")
    return _report_errors(_records(export.data))


def _report_errors(records: Iterator[bytes]) -> Iterator[bytes]:
    """Translate errors to NotAcceptable: a container with this spec may have any content."""
    try:
        yield from records
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise NotAcceptable(
            f"The metadata or the data of this container are not those of a {SPEC} of version 3: "
            "it has no documents."
        ) from error


def _records(run: Subtree) -> Iterator[bytes]:
    start = run.metadata.get("start") or {}
    yield _record("start", start)
    streams = [Stream(node, start.get("uid")) for node in _streams(run)]
    timed = heapq.merge(*(stream.timed() for stream in streams), key=_first)
    for _, name, document in timed:
        yield _record(name, document)
    for stream in streams:
        for part in stream.files:
            yield _record("stream_resource", stream_resource(stream.metadata, start, part))
    for stream in streams:
        for part in stream.files:
            yield _record("stream_datum", stream_datum(stream.metadata, part))
    yield _record("stop", run.metadata.get("stop") or {})


@dataclass(frozen=True)
class Stream:
    """A stream of a run."""

    node: Subtree
    run: str | None

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the descriptor, and later changes."""
        return dict(self.node.metadata)

    @cached_property
    def parts(self) -> list[Subtree]:
        """The tables and arrays."""
        return list(self.node.children())

    @cached_property
    def files(self) -> list[Subtree]:
        """The arrays in external files."""
        return [part for part in self.parts if self._is_file(part)]

    def timed(self) -> Iterator[tuple[float, str, dict[str, Any]]]:
        """Yield descriptors and events, with their times."""
        descriptors = self.descriptors()
        moments = DescriptorTimes([(d.get("time") or 0.0, d.get("uid", "")) for d in descriptors])
        inside = [part for part in self.parts if not self._is_file(part)]
        yield from heapq.merge(
            ((_time(document), "descriptor", document) for document in descriptors),
            ((_time(document), "event", document) for document in events(inside, moments)),
            key=_first,
        )

    def descriptors(self) -> list[dict[str, Any]]:
        """Return the first descriptor, and one for each later change of the configuration."""
        first = {k: v for k, v in self.metadata.items() if k not in NON_DESCRIPTOR_KEYS}
        first["name"] = self.node.key
        if self.run is not None:
            first["run_start"] = self.run
        first["object_keys"] = _object_keys(first.get("data_keys") or {})
        found = [first]
        for change in self.metadata.get("_config_updates") or []:
            found.append(_apply_change(found[-1], change))
        return found

    def _is_file(self, part: Subtree) -> bool:
        described = (self.metadata.get("data_keys") or {}).get(part.key) or {}
        source = part.node.source
        return bool(described.get("external")) and source is not None and source.external


def _streams(run: Subtree) -> list[Subtree]:
    children = list(run.children())
    for child in children:
        if child.key == LEGACY_STREAMS_KEY and STREAM not in child.specs:
            return list(child.children())
    return [child for child in children if child.family == "container"]


def _object_keys(data_keys: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, described in data_keys.items():
        if name := described.get("object_name"):
            found.setdefault(name, []).append(key)
    return found


def _apply_change(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptor after a change of the configuration."""
    after = copy.deepcopy(before)
    after.update({name: change[name] for name in ("uid", "time") if name in change})
    for name, values in (change.get("configuration") or {}).items():
        configuration = after.setdefault("configuration", {}).setdefault(name, {})
        for kind in ("data", "timestamps"):
            configuration.setdefault(kind, {}).update(values.get(kind) or {})
    return after


def _time(document: dict[str, Any]) -> float:
    time = document.get("time")
    return float(time) if isinstance(time, (int, float)) else 0.0


def _first(timed: tuple[float, str, dict[str, Any]]) -> float:
    return timed[0]


def _record(name: str, document: Any) -> bytes:
    return RECORD + json_of({"name": name, "doc": document}) + END
