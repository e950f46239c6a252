"""Translate events of the catalog into stream messages, and publish them.

An event about stored data is recorded in the outbox within the transaction of its write, and
published after the commit, so that no write fails because of Redis. One about data that is not
stored fails while Redis is unreachable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from catalog import events
from catalog.node_refs import NodeRef
from core.mapped_files import BytesLike
from tiled_client.wire import messages
from tiled_client.wire.structure_family import Management

from .config import streaming_cache_settings
from .writing import batch_delivery, delivery, progress
from .writing.log import logs_of, stream_log


def array_written(event: events.ArrayWritten) -> messages.Message:
    """Return the message for a write to an array."""
    return messages.ArrayData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted, event.encoding
    )


def ragged_written(event: events.RaggedWritten) -> messages.Message:
    """Return the message for a write to a ragged array."""
    return messages.RaggedData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted
    )


def awkward_written(event: events.AwkwardWritten) -> messages.Message:
    """Return the message for a write to an awkward array."""
    return messages.AwkwardData(event.mimetype, event.length, event.persisted)


def table_written(event: events.TableWritten) -> messages.Message:
    """Return the message for a write to a table."""
    return messages.TableData(
        event.mimetype, event.partition, event.append, event.persisted, event.rows
    )


def data_source_updated(event: events.DataSourceUpdated) -> messages.Message:
    """Return the message that refers to new data of an external array."""
    return messages.ArrayRef(_named_assets(event.data_source), event.patch, event.shape)


def table_source_updated(event: events.TableSourceUpdated) -> messages.Message:
    """Return the message that refers to new rows of an external table."""
    return messages.TableRef(
        _named_assets(event.data_source),
        event.partition,
        append=event.rows is not None,
        rows=event.rows,
    )


def child_created(event: events.ChildCreated) -> messages.Message:
    """Return the message to a container's stream about a new child."""
    return messages.ChildCreated(
        key=event.key,
        structure_family=event.structure_family.value,
        specs=event.specs,
        metadata=event.metadata,
        data_sources=[_public_data_source(source) for source in event.data_sources],
        access_tags=event.access_tags,
    )


def child_metadata_updated(event: events.ChildMetadataUpdated) -> messages.Message:
    """Return the message to a container's stream about a child's new metadata."""
    return messages.ChildMetadataUpdated(
        event.key, event.specs, event.metadata, event.revision_number, event.access_tags
    )


def child_deleted(event: events.ChildDeleted) -> messages.Message:
    """Return the message to a container's stream about a deleted child."""
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
    """Connect to all events of the catalog."""
    for signal, _ in _MESSAGES.values():
        signal.connect(_on_announced, weak=False, dispatch_uid="streaming")
    events.recording.connect(_on_recording, weak=False, dispatch_uid="streaming")
    events.asked.connect(_on_asked, weak=False, dispatch_uid="streaming")
    events.repeated.connect(_on_repeated, weak=False, dispatch_uid="streaming")
    events.batch_written.connect(_on_batch, weak=False, dispatch_uid="streaming")
    events.node_deleted.connect(_on_deleted, weak=False, dispatch_uid="streaming")
    events.stream_closed.connect(_on_closed, weak=False, dispatch_uid="streaming")


def _on_recording(*, event: events.Event, **_: Any) -> events.Note | None:
    """Record the update of an event in the outbox, within the transaction of its change.

    With it goes the number of the producer's frame that made the change, if one did. Raises
    AlreadyStored.
    """
    progress.store_current()
    if streaming_cache_settings().uri is None:
        return None
    if isinstance(event, events.WriteBatch):
        messages = [(_message(write), _payload(write)) for write in event.writes]
        return batch_delivery.record_batch(event.node.uuid, messages, event.recorded_as)
    if isinstance(event, events.NodeDeleted):
        return delivery.record_deletions(_deleted_nodes(event))
    if type(event) in _MESSAGES:
        token = getattr(event, "recorded_as", "")
        return delivery.record(event.node.uuid, _message(event), _payload(event), token)
    return None


def _on_asked(*, node: UUID, token: str, **_: Any) -> bool:
    """Return whether an update of `node` is recorded under `token`."""
    return delivery.is_recorded(node, token)


def _on_announced(*, event: events.Event, notes: Sequence[events.Note] = (), **_: Any) -> None:
    """Publish the recorded update of an event, or the event itself if it is not stored."""
    log = stream_log(event.node.uuid)
    if log is None:
        return
    recorded = [note for note in notes if isinstance(note, delivery.RecordedUpdate)]
    if recorded:
        delivery.publish_recorded(log, recorded[0])
    elif getattr(event, "persisted", True):
        delivery.publish(log, event.node.uuid, _message(event), _payload(event))
    else:
        message, payload = _message(event), _payload(event)
        log.append(event.node.uuid, message, payload, token=event.token)


def _on_batch(*, event: events.WriteBatch, notes: Sequence[events.Note] = (), **_: Any) -> None:
    """Publish the recorded updates of writes that were stored together."""
    log = stream_log(event.node.uuid)
    if log is not None:
        for note in notes:
            if isinstance(note, batch_delivery.RecordedBatch):
                batch_delivery.publish_batch(log, note, event.on_streamed)


def _on_repeated(*, node: NodeRef, **_: Any) -> None:
    """Publish the updates that earlier requests left behind."""
    if streaming_cache_settings().uri is not None:
        delivery.publish_left_behind(node.uuid)


def _on_deleted(*, event: events.NodeDeleted, **_: Any) -> None:
    """Remove the streams of the node and of all nodes below it."""
    for log, nodes in logs_of(_deleted_nodes(event)):
        delivery.publish_deletions(log, nodes)


def _on_closed(*, event: events.StreamClosed, **_: Any) -> None:
    """Publish an end of stream. Raises Unavailable if Redis is unreachable."""
    log = stream_log(event.node.uuid)
    if log is not None:
        delivery.publish_end(log, event.node.uuid, token=event.token)


def _deleted_nodes(event: events.NodeDeleted) -> list[UUID]:
    return [node.uuid for node in (*event.below, event.node)]


def _message(event: events.Event) -> messages.Message:
    return _MESSAGES[type(event)][1](event)


def _payload(event: events.Event) -> BytesLike | None:
    return getattr(event, "payload", None)


def _public_data_source(data_source: dict[str, Any]) -> dict[str, Any]:
    """Return a data source for subscribers, without the files of the server's own storage."""
    if data_source["management"] != Management.external:
        return {**data_source, "assets": []}
    return _named_assets(data_source)


def _named_assets(data_source: dict[str, Any]) -> dict[str, Any]:
    """Return a data source whose assets have a parameter and a number each.

    Clients ignore an update without them. Paths on the server are included only if the site exposes
    them (`streaming_cache.expose_file_paths`).
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
