"""The nodes of one run: a container, one for each stream in it, and their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...ingest.sync.writer import IngestWriter
from ...optional import require_package
from ...wire.specs import Spec
from .external_data import ExternalData
from .json_values import as_json
from .run_nodes import StreamNode
from .stream_data import StreamData

RUN_SPEC = Spec("BlueskyRun", "3.0")
STREAM_SPECS = (Spec("BlueskyEventStream", "3.0"), Spec("composite"))
# Of a descriptor, what the metadata of its stream do not have.
NOT_METADATA = ("name", "object_keys", "run_start")
NOTES = "_run_normalizer_notes"


@dataclass
class WrittenStream:
    """A stream: its container, its data, and changes of the configuration during the run."""

    container: StreamNode
    data: StreamData
    config_updates: list[dict[str, Any]] = field(default_factory=list)


class WrittenRun:
    """Takes the documents of one run, and writes what bluesky's `TiledWriter` writes."""

    def __init__(
        self, writer: IngestWriter, parent: Any, batch_size: int, max_array_size: int
    ) -> None:
        self.notes: list[str] = []
        self.data_keys: dict[str, Mapping[str, Any]] = {}
        self._writer, self._parent = writer, parent
        self._batch_size, self._max_array_size = batch_size, max_array_size
        self._node: Any = None
        self._tags: Sequence[str] | None = None
        self._streams: dict[str, WrittenStream] = {}
        self._by_descriptor: dict[str, WrittenStream] = {}
        self._external = ExternalData(self, batch_size)

    def __call__(self, name: str, document: Mapping[str, Any]) -> None:
        """Take a document. Raises RuntimeError for one that is out of place, and as writers do."""
        take = getattr(self, f"_on_{name}", None)
        if take is None:
            raise ValueError(f"There is no document {name!r} in the model of events.")
        if self._node is None and name != "start":
            raise RuntimeError(f"The document {name!r} came before the start of its run.")
        take(document)

    def create(
        self,
        parent: Any,
        key: str,
        structure: Any = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec] = (),
    ) -> Any:
        """Create a node with the access tags of the run, and return its writer."""
        return self._writer.create(
            parent, key, structure, metadata=metadata, specs=specs, access_tags=self._tags
        )

    def stream_of(self, descriptor: str) -> StreamNode:
        """Return the stream of a descriptor. Raises RuntimeError if it was not received."""
        return self._stream(descriptor).container

    def _stream(self, descriptor: str) -> WrittenStream:
        found = self._by_descriptor.get(descriptor)
        if found is None:
            raise RuntimeError(f"The descriptor {descriptor} was not received.")
        return found

    def _on_start(self, document: Mapping[str, Any]) -> None:
        described = dict(document)
        self._tags = described.pop("tiled_access_tags", None)
        more = described.pop("tiled_specs", None) or []
        specs = [Spec(one) if isinstance(one, str) else Spec(**one) for one in more]
        metadata = {"start": as_json(described)}
        uid, all_specs = document["uid"], [*specs, RUN_SPEC]
        self._node = self.create(self._parent, uid, metadata=metadata, specs=all_specs)

    def _on_descriptor(self, document: Mapping[str, Any]) -> None:
        name = document["name"]
        self.data_keys.update(document.get("data_keys", {}))
        stream = self._streams.get(name)
        if stream is None:
            metadata = as_json({k: v for k, v in document.items() if k not in NOT_METADATA})
            node = self.create(self._node, name, metadata=metadata, specs=STREAM_SPECS)
            container = StreamNode(name, node, metadata)
            data = StreamData(self, container, self._max_array_size)
            stream = self._streams[name] = WrittenStream(container, data)
            data.declare(document.get("data_keys", {}))
        else:
            self._update_configuration(stream, document)
        self._by_descriptor[document["uid"]] = stream

    def _update_configuration(self, stream: WrittenStream, document: Mapping[str, Any]) -> None:
        update = {name: document[name] for name in ("uid", "time")}
        if document.get("configuration"):
            update["configuration"] = document["configuration"]
        stream.config_updates.append(as_json(update))
        change = {"op": "add", "path": "/_config_updates", "value": stream.config_updates}
        stream.container.node.patch_metadata([change], drop_revision=True)

    def _on_event(self, document: Mapping[str, Any]) -> None:
        stream = self._stream(document["descriptor"])
        times = {f"ts_{key}": value for key, value in document["timestamps"].items()}
        row = {"seq_num": document["seq_num"], "time": document["time"]}
        stream.data.add({**row, **document["data"], **times}, self._batch_size)

    def _on_event_page(self, document: Mapping[str, Any]) -> None:
        for event in require_package("event_model", "bluesky").unpack_event_page(document):
            self._on_event(event)

    def _on_stream_resource(self, document: Mapping[str, Any]) -> None:
        self._external.add_resource(document)

    def _on_stream_datum(self, document: Mapping[str, Any]) -> None:
        self._external.add(dict(document))

    def _on_stop(self, document: Mapping[str, Any]) -> None:
        for stream in self._streams.values():
            stream.data.send()
        self._external.finish()
        described = dict(document)
        notes = list(dict.fromkeys([*(described.pop(NOTES, None) or []), *self.notes]))
        changes = {"stop": as_json(described), **({"notes": notes} if notes else {})}
        patch = [{"op": "add", "path": f"/{key}", "value": one} for key, one in changes.items()]
        self._node.patch_metadata(patch, drop_revision=True)
        for stream in self._streams.values():
            stream.data.close_streams()
        self._external.close_streams()
        for stream in self._streams.values():
            stream.container.node.close_stream()
        self._node.close_stream()
