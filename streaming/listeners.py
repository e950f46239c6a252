"""From what the catalog announces to what its streams say.

Updates of what was stored are lost, with an error in the log, while Redis cannot be reached: the
data are safe, and their writer is told so. Updates of what is not stored are refused then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal

from access.errors import ServiceError
from catalog import events
from tiled_client.wire import messages
from tiled_client.wire.families import Management

from .log import StreamLog, stream_log

logger = logging.getLogger(__name__)


def connect() -> None:
    """Listen to everything that the catalog announces."""
    for signal, listener in _LISTENERS.items():
        signal.connect(
            _receiver(listener), weak=False, dispatch_uid=f"streaming {listener.__name__}"
        )


def array_written(log: StreamLog, event: events.ArrayWritten) -> None:
    """Numbers, on the array's stream."""
    message = messages.ArrayData(event.mimetype, event.shape, event.offset, event.block)
    if event.persisted:
        with _stored(event):
            log.append(event.node.uuid, message, event.payload)
    else:
        log.append(event.node.uuid, message, event.payload)


def table_written(log: StreamLog, event: events.TableWritten) -> None:
    """Rows, on the table's stream."""
    message = messages.TableData(event.mimetype, event.partition, event.append)
    with _stored(event):
        log.append(event.node.uuid, message, event.payload)


def data_source_updated(log: StreamLog, event: events.DataSourceUpdated) -> None:
    """A reference to new numbers, on the external array's stream."""
    message = messages.ArrayRef(_named_assets(event.data_source), event.patch, event.shape)
    with _stored(event):
        log.append(event.node.uuid, message)


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
    with _stored(event):
        log.append(event.node.uuid, message)


def child_metadata_updated(log: StreamLog, event: events.ChildMetadataUpdated) -> None:
    """A child's new metadata, on the container's stream."""
    message = messages.ChildMetadataUpdated(
        event.key, event.specs, event.metadata, event.revision_number
    )
    with _stored(event):
        log.append(event.node.uuid, message)


def node_deleted(log: StreamLog, event: events.NodeDeleted) -> None:
    """The node's stream goes with it."""
    with _stored(event):
        log.drop(event.node.uuid)


def stream_closed(log: StreamLog, event: events.StreamClosed) -> None:
    """An end, on the node's stream; nothing else would tell of it, so it is refused if it fails."""
    log.close(event.node.uuid)


_LISTENERS: dict[Signal, Callable[[StreamLog, Any], None]] = {
    events.array_written: array_written,
    events.table_written: table_written,
    events.data_source_updated: data_source_updated,
    events.child_created: child_created,
    events.child_metadata_updated: child_metadata_updated,
    events.node_deleted: node_deleted,
    events.stream_closed: stream_closed,
}


def _receiver(listener: Callable[[StreamLog, Any], None]) -> Callable[..., None]:
    def receive(*, event: events.Event, **_: Any) -> None:
        log = stream_log()
        if log is not None:
            listener(log, event)

    return receive


@contextmanager
def _stored(event: events.Event) -> Iterator[None]:
    try:
        yield
    except ServiceError:
        logger.exception("%s of /%s is not on its stream", type(event).__name__, event.node.path)


def _shown(data_source: dict[str, Any]) -> dict[str, Any]:
    """A data source as subscribers see it: where the server keeps its own is its affair."""
    if data_source["management"] != Management.external:
        return {**data_source, "assets": []}
    return _named_assets(data_source)


def _named_assets(data_source: dict[str, Any]) -> dict[str, Any]:
    """Assets with a role and a place each; clients drop an update with none."""
    assets = [
        {
            **asset,
            "parameter": asset.get("parameter") or "data_uri",
            "num": place if asset.get("num") is None else asset["num"],
        }
        for place, asset in enumerate(data_source["assets"])
    ]
    return {**data_source, "assets": assets}
