"""From what the catalog announces to what its streams say.

What is stored is kept in the outbox with its transaction, and goes into the stream after it; its
writer waits for no Redis. What is not stored is refused while Redis cannot take it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from catalog import events
from core.mapped_files import BytesLike
from tiled_client.wire import messages
from tiled_client.wire.structure_family import Management

from .config import streaming_cache_settings
from .writing import delivery
from .writing.log import stream_log


def array_written(event: events.ArrayWritten) -> messages.Message:
    """Numbers, on the array's stream."""
    return messages.ArrayData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted
    )


def ragged_written(event: events.RaggedWritten) -> messages.Message:
    """Rows, on the ragged array's stream."""
    return messages.RaggedData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted
    )


def awkward_written(event: events.AwkwardWritten) -> messages.Message:
    """Buffers, on the awkward array's stream."""
    return messages.AwkwardData(event.mimetype, event.length, event.persisted)


def table_written(event: events.TableWritten) -> messages.Message:
    """Rows, on the table's stream."""
    return messages.TableData(event.mimetype, event.partition, event.append, event.persisted)


def data_source_updated(event: events.DataSourceUpdated) -> messages.Message:
    """A reference to new numbers, on the external array's stream."""
    return messages.ArrayRef(_named_assets(event.data_source), event.patch, event.shape)


def table_source_updated(event: events.TableSourceUpdated) -> messages.Message:
    """A reference to new rows, on the external table's stream."""
    return messages.TableRef(
        _named_assets(event.data_source),
        event.partition,
        append=event.rows is not None,
        rows=event.rows,
    )


def child_created(event: events.ChildCreated) -> messages.Message:
    """A new child, on the container's stream."""
    return messages.ChildCreated(
        key=event.key,
        structure_family=event.structure_family.value,
        specs=event.specs,
        metadata=event.metadata,
        data_sources=[_shown(source) for source in event.data_sources],
        access_tags=event.access_tags,
    )


def child_metadata_updated(event: events.ChildMetadataUpdated) -> messages.Message:
    """A child's new metadata, on the container's stream."""
    return messages.ChildMetadataUpdated(
        event.key, event.specs, event.metadata, event.revision_number, event.access_tags
    )


def child_deleted(event: events.ChildDeleted) -> messages.Message:
    """A child that is gone, on the container's stream."""
    return messages.ChildDeleted(event.key, event.structure_family.value, event.access_tags)


_MESSAGES: dict[type[events.Event], tuple[Signal, Callable[[Any], messages.Message]]] = {
    events.ArrayWritten: (events.array_written, array_written),
    events.RaggedWritten: (events.ragged_written, ragged_written),
    events.AwkwardWritten: (events.awkward_written, awkward_written),
    events.TableWritten: (events.table_written, table_written),
    events.DataSourceUpdated: (events.data_source_updated, data_source_updated),
    events.TableSourceUpdated: (events.table_source_updated, table_source_updated),
    events.ChildCreated: (events.child_created, child_created),
    events.ChildMetadataUpdated: (events.child_metadata_updated, child_metadata_updated),
    events.ChildDeleted: (events.child_deleted, child_deleted),
}


def connect() -> None:
    """Listen to everything that the catalog announces."""
    for signal, _ in _MESSAGES.values():
        signal.connect(_announced, weak=False, dispatch_uid="streaming")
    events.recording.connect(_recorded, weak=False, dispatch_uid="streaming")
    events.asked.connect(_asked, weak=False, dispatch_uid="streaming")
    events.repeated.connect(_repeated, weak=False, dispatch_uid="streaming")
    events.node_deleted.connect(_deleted, weak=False, dispatch_uid="streaming")
    events.stream_closed.connect(_closed, weak=False, dispatch_uid="streaming")


def _recorded(*, event: events.Event, **_: Any) -> events.Note | None:
    """Keep what is to be streamed of an event, within the transaction of its change."""
    if stream_log() is None:
        return None
    if isinstance(event, events.NodeDeleted):
        return delivery.record_deletions(_gone(event))
    if type(event) in _MESSAGES:
        token = getattr(event, "recorded_as", "")
        return delivery.record(event.node.uuid, _message(event), _payload(event), token)
    return None


def _asked(*, node: UUID, token: str, **_: Any) -> bool:
    """Return whether an update of `node` under `token` is kept."""
    return delivery.is_recorded(node, token)


def _announced(*, event: events.Event, notes: Sequence[events.Note] = (), **_: Any) -> None:
    """Stream what was kept of an event, or the event itself where it is not stored."""
    log = stream_log()
    if log is None:
        return
    kept = [note for note in notes if isinstance(note, delivery.RecordedUpdate)]
    if kept:
        delivery.publish_recorded(log, kept[0])
    elif getattr(event, "persisted", True):
        delivery.publish(log, event.node.uuid, _message(event), _payload(event))
    else:
        message, payload = _message(event), _payload(event)
        log.append(event.node.uuid, message, payload, once=event.token)


def _repeated(*, node: events.NodeRef, **_: Any) -> None:
    """Stream what earlier requests have left behind."""
    if stream_log() is not None:
        delivery.publish_left_behind(node.uuid)


def _deleted(*, event: events.NodeDeleted, **_: Any) -> None:
    """The streams of the node, and of all below it, go with them."""
    log = stream_log()
    if log is not None:
        delivery.publish_deletions(log, _gone(event))


def _closed(*, event: events.StreamClosed, **_: Any) -> None:
    """An end, on the node's stream. Refused if the stream is out of reach."""
    log = stream_log()
    if log is not None:
        delivery.publish_end(log, event.node.uuid, once=event.token)


def _gone(event: events.NodeDeleted) -> list[UUID]:
    return [node.uuid for node in (*event.below, event.node)]


def _message(event: events.Event) -> messages.Message:
    return _MESSAGES[type(event)][1](event)


def _payload(event: events.Event) -> BytesLike | None:
    return getattr(event, "payload", None)


def _shown(data_source: dict[str, Any]) -> dict[str, Any]:
    """A data source as subscribers see it: where the server keeps its own is its affair."""
    if data_source["management"] != Management.external:
        return {**data_source, "assets": []}
    return _named_assets(data_source)


def _named_assets(data_source: dict[str, Any]) -> dict[str, Any]:
    """Assets with a role and a place each; clients drop an update with none.

    Where the files lie on the server is told only if the site allows it.
    """
    located = streaming_cache_settings().expose_file_paths
    assets = [
        {
            **asset,
            "data_uri": asset["data_uri"] if located else _file_name(asset["data_uri"]),
            "parameter": asset.get("parameter") or "data_uri",
            "num": place if asset.get("num") is None else asset["num"],
        }
        for place, asset in enumerate(data_source["assets"])
    ]
    return {**data_source, "assets": assets}


def _file_name(data_uri: str) -> str:
    return data_uri.rstrip("/").rpartition("/")[2]
