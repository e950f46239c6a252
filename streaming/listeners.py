"""From what the catalog announces to what its streams say.

What was stored goes into the stream, if need be by way of the outbox; its writer waits for no
Redis. What is not stored is refused while Redis cannot take it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

from catalog import events
from tiled_client.wire import messages
from tiled_client.wire.families import Management

from .config import streaming_cache_settings
from .writing import delivery
from .writing.log import StreamLog, stream_log

Written = events.ArrayWritten | events.RaggedWritten | events.AwkwardWritten | events.TableWritten


def connect() -> None:
    """Listen to everything that the catalog announces."""
    for signal, listener in _LISTENERS.items():
        signal.connect(
            _receiver(listener), weak=False, dispatch_uid=f"streaming {listener.__name__}"
        )


def array_written(log: StreamLog, event: events.ArrayWritten) -> None:
    """Numbers, on the array's stream."""
    message = messages.ArrayData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted
    )
    _append(log, event, message)


def ragged_written(log: StreamLog, event: events.RaggedWritten) -> None:
    """Rows, on the ragged array's stream."""
    message = messages.RaggedData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted
    )
    _append(log, event, message)


def awkward_written(log: StreamLog, event: events.AwkwardWritten) -> None:
    """Buffers, on the awkward array's stream."""
    message = messages.AwkwardData(event.mimetype, event.length, event.persisted)
    _append(log, event, message)


def table_written(log: StreamLog, event: events.TableWritten) -> None:
    """Rows, on the table's stream."""
    message = messages.TableData(event.mimetype, event.partition, event.append, event.persisted)
    _append(log, event, message)


def data_source_updated(log: StreamLog, event: events.DataSourceUpdated) -> None:
    """A reference to new numbers, on the external array's stream."""
    message = messages.ArrayRef(_named_assets(event.data_source), event.patch, event.shape)
    delivery.deliver(log, event.node.uuid, message)


def table_source_updated(log: StreamLog, event: events.TableSourceUpdated) -> None:
    """A reference to new rows, on the external table's stream."""
    message = messages.TableRef(
        _named_assets(event.data_source),
        event.partition,
        append=event.rows is not None,
        rows=event.rows,
    )
    delivery.deliver(log, event.node.uuid, message)


def child_created(log: StreamLog, event: events.ChildCreated) -> None:
    """A new child, on the container's stream."""
    message = messages.ChildCreated(
        key=event.key,
        structure_family=event.structure_family.value,
        specs=event.specs,
        metadata=event.metadata,
        data_sources=[_shown(source) for source in event.data_sources],
        access_tags=event.access_tags,
    )
    delivery.deliver(log, event.node.uuid, message)


def child_metadata_updated(log: StreamLog, event: events.ChildMetadataUpdated) -> None:
    """A child's new metadata, on the container's stream."""
    message = messages.ChildMetadataUpdated(
        event.key, event.specs, event.metadata, event.revision_number, event.access_tags
    )
    delivery.deliver(log, event.node.uuid, message)


def child_deleted(log: StreamLog, event: events.ChildDeleted) -> None:
    """A child that is gone, on the container's stream."""
    message = messages.ChildDeleted(event.key, event.structure_family.value, event.access_tags)
    delivery.deliver(log, event.node.uuid, message)


def node_deleted(log: StreamLog, event: events.NodeDeleted) -> None:
    """The streams of the node, and of all below it, go with them."""
    delivery.deliver_drops(log, [node.uuid for node in (*event.below, event.node)])


def stream_closed(log: StreamLog, event: events.StreamClosed) -> None:
    """An end, on the node's stream. Refused if the stream is out of reach."""
    delivery.deliver_end(log, event.node.uuid)


_LISTENERS: dict[Signal, Callable[[StreamLog, Any], None]] = {
    events.array_written: array_written,
    events.ragged_written: ragged_written,
    events.awkward_written: awkward_written,
    events.table_written: table_written,
    events.data_source_updated: data_source_updated,
    events.table_source_updated: table_source_updated,
    events.child_created: child_created,
    events.child_metadata_updated: child_metadata_updated,
    events.child_deleted: child_deleted,
    events.node_deleted: node_deleted,
    events.stream_closed: stream_closed,
}


def _receiver(listener: Callable[[StreamLog, Any], None]) -> Callable[..., None]:
    def receive(*, event: events.Event, **_: Any) -> None:
        log = stream_log()
        if log is not None:
            listener(log, event)

    return receive


def _append(log: StreamLog, event: Written, message: messages.Message) -> None:
    add = delivery.deliver if event.persisted else StreamLog.append
    add(log, event.node.uuid, message, event.payload)


def _shown(data_source: dict[str, Any]) -> dict[str, Any]:
    """A data source as subscribers see it: where the server keeps its own is its affair."""
    if data_source["management"] != Management.external:
        return {**data_source, "assets": []}
    return _named_assets(data_source)


def _named_assets(data_source: dict[str, Any]) -> dict[str, Any]:
    """Assets with a role and a place each; clients drop an update with none.

    Where the files lie on the server is told only if the site allows it.
    """
    located = streaming_cache_settings().file_locations
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
