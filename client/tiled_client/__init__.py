"""Write scientific data to a streaming server, and watch it while it is written.

    client = from_uri("http://localhost:8000", api_key="...")
    x = client.write_array(numpy.array([1, 2, 3]), key="x")
    x.subscribe().start_in_thread(0)

Names are loaded when they are first asked for: whoever needs the wire vocabulary alone, as a server
does, loads nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:
    from .connect import from_uri as from_uri
    from .errors import BadRequest as BadRequest
    from .errors import Conflict as Conflict
    from .errors import Forbidden as Forbidden
    from .errors import Invalid as Invalid
    from .errors import NodeDeleted as NodeDeleted
    from .errors import NodeNotFound as NodeNotFound
    from .errors import NotAcceptable as NotAcceptable
    from .errors import NotSupported as NotSupported
    from .errors import RequestRefused as RequestRefused
    from .errors import ServerFailure as ServerFailure
    from .errors import StreamError as StreamError
    from .errors import StreamLost as StreamLost
    from .errors import StreamTimeout as StreamTimeout
    from .errors import TiledClientError as TiledClientError
    from .errors import TransportError as TransportError
    from .errors import Unauthorized as Unauthorized
    from .errors import Unavailable as Unavailable
    from .errors import UnreadableAnswer as UnreadableAnswer
    from .errors import UnsupportedMedia as UnsupportedMedia
    from .nodes import ArrayClient as ArrayClient
    from .nodes import AwkwardClient as AwkwardClient
    from .nodes import BytesClient as BytesClient
    from .nodes import Container as Container
    from .nodes import MetadataRevisions as MetadataRevisions
    from .nodes import Node as Node
    from .nodes import RaggedClient as RaggedClient
    from .nodes import Revision as Revision
    from .nodes import SparseClient as SparseClient
    from .nodes import TableClient as TableClient
    from .settings import HttpOptions as HttpOptions
    from .settings import StreamOptions as StreamOptions
    from .stream.asyncio.connection import AsyncStreamConnection as AsyncStreamConnection
    from .stream.asyncio.iteration import AsyncUpdates as AsyncUpdates
    from .stream.asyncio.subscription import (
        AsyncContainerSubscription as AsyncContainerSubscription,
    )
    from .stream.asyncio.subscription import AsyncDataSubscription as AsyncDataSubscription
    from .stream.asyncio.subscription import (
        AsyncRecursiveSubscription as AsyncRecursiveSubscription,
    )
    from .stream.asyncio.subscription import AsyncSubscription as AsyncSubscription
    from .stream.engine.callback_registry import CallbackRegistry as CallbackRegistry
    from .stream.engine.callbacks import CallbackFailure as CallbackFailure
    from .stream.protocol.notices import Gap as Gap
    from .stream.protocol.notices import NodeClosed as NodeClosed
    from .stream.protocol.notices import Reset as Reset
    from .stream.sync.connection import StreamConnection as StreamConnection
    from .stream.sync.iteration import Updates as Updates
    from .stream.sync.subscription import ContainerSubscription as ContainerSubscription
    from .stream.sync.subscription import DataSubscription as DataSubscription
    from .stream.sync.subscription import RecursiveSubscription as RecursiveSubscription
    from .stream.sync.subscription import Subscription as Subscription
    from .stream.updates import ArrayReference as ArrayReference
    from .stream.updates import ArrayUpdate as ArrayUpdate
    from .stream.updates import AwkwardUpdate as AwkwardUpdate
    from .stream.updates import ChildCreated as ChildCreated
    from .stream.updates import ChildDeleted as ChildDeleted
    from .stream.updates import ChildMetadataUpdated as ChildMetadataUpdated
    from .stream.updates import RaggedUpdate as RaggedUpdate
    from .stream.updates import SparseUpdate as SparseUpdate
    from .stream.updates import TableReference as TableReference
    from .stream.updates import TableUpdate as TableUpdate
    from .stream.updates import Update as Update
    from .wire.data_sources import Asset as Asset
    from .wire.data_sources import DataSource as DataSource
    from .wire.dtypes import BuiltinDType as BuiltinDType
    from .wire.dtypes import StructDType as StructDType
    from .wire.specs import Spec as Spec
    from .wire.structure_family import Management as Management
    from .wire.structure_family import StructureFamily as StructureFamily
    from .wire.structures import ArrayStructure as ArrayStructure
    from .wire.structures import AwkwardStructure as AwkwardStructure
    from .wire.structures import RaggedStructure as RaggedStructure
    from .wire.structures import SparseStructure as SparseStructure
    from .wire.structures import TableStructure as TableStructure

_NAMES = {
    "connect": ["from_uri"],
    "errors": [
        "BadRequest",
        "Conflict",
        "Forbidden",
        "Invalid",
        "NodeDeleted",
        "NodeNotFound",
        "NotAcceptable",
        "NotSupported",
        "RequestRefused",
        "ServerFailure",
        "StreamError",
        "StreamLost",
        "StreamTimeout",
        "TiledClientError",
        "TransportError",
        "Unauthorized",
        "Unavailable",
        "UnreadableAnswer",
        "UnsupportedMedia",
    ],
    "nodes": [
        "ArrayClient",
        "AwkwardClient",
        "BytesClient",
        "Container",
        "MetadataRevisions",
        "Node",
        "RaggedClient",
        "Revision",
        "SparseClient",
        "TableClient",
    ],
    "settings": ["HttpOptions", "StreamOptions"],
    "stream.asyncio.connection": ["AsyncStreamConnection"],
    "stream.asyncio.iteration": ["AsyncUpdates"],
    "stream.asyncio.subscription": [
        "AsyncContainerSubscription",
        "AsyncDataSubscription",
        "AsyncRecursiveSubscription",
        "AsyncSubscription",
    ],
    "stream.sync.connection": ["StreamConnection"],
    "stream.sync.iteration": ["Updates"],
    "stream.protocol.notices": ["Gap", "NodeClosed", "Reset"],
    "stream.engine.callback_registry": ["CallbackRegistry"],
    "stream.sync.subscription": [
        "ContainerSubscription",
        "DataSubscription",
        "RecursiveSubscription",
        "Subscription",
    ],
    "stream.engine.callbacks": ["CallbackFailure"],
    "stream.updates": [
        "ArrayReference",
        "ArrayUpdate",
        "AwkwardUpdate",
        "ChildCreated",
        "ChildDeleted",
        "ChildMetadataUpdated",
        "RaggedUpdate",
        "SparseUpdate",
        "TableReference",
        "TableUpdate",
        "Update",
    ],
    "wire.data_sources": ["Asset", "DataSource"],
    "wire.dtypes": ["BuiltinDType", "StructDType"],
    "wire.structure_family": ["Management", "StructureFamily"],
    "wire.specs": ["Spec"],
    "wire.structures": [
        "ArrayStructure",
        "AwkwardStructure",
        "RaggedStructure",
        "SparseStructure",
        "TableStructure",
    ],
}

# Old names, loaded with a DeprecationWarning until the next release.
_RENAMED = {"Registry": "CallbackRegistry"}

_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        return _renamed(name)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def _renamed(name: str) -> Any:
    import warnings

    new = _RENAMED[name]
    message = f"{__name__}.{name} is now {__name__}.{new}; the old name goes with the next release"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return getattr(import_module(__name__), new)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
