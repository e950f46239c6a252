"""Write scientific data to a streaming server, and watch it while it is written.

client = from_uri("http://localhost:8000", api_key="...")
x = client.write_array(numpy.array([1, 2, 3]), key="x")
x.subscribe().start_in_thread(0)
"""

from .connecting import from_uri
from .errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NodeNotFound,
    NotAcceptable,
    NotSupported,
    RequestRefused,
    ServerFailure,
    StreamError,
    StreamLost,
    StreamTimeout,
    TiledClientError,
    TransportError,
    Unauthorized,
    Unavailable,
    UnreadableAnswer,
    UnsupportedMedia,
)
from .nodes import ArrayClient, Container, Node, TableClient
from .settings import HttpOptions, StreamOptions
from .stream.registry import Registry
from .stream.subscription import (
    CallbackFailure,
    ContainerSubscription,
    DataSubscription,
    Subscription,
)
from .stream.updates import (
    ArrayReference,
    ArrayUpdate,
    ChildCreated,
    ChildMetadataUpdated,
    TableUpdate,
    Update,
)
from .version import __version__
from .wire.data_sources import Asset, DataSource
from .wire.dtypes import BuiltinDType, StructDType
from .wire.families import Management, StructureFamily
from .wire.specs import Spec
from .wire.structures import ArrayStructure, TableStructure

__all__ = [
    "ArrayClient",
    "ArrayReference",
    "ArrayStructure",
    "ArrayUpdate",
    "Asset",
    "BadRequest",
    "BuiltinDType",
    "CallbackFailure",
    "ChildCreated",
    "ChildMetadataUpdated",
    "Conflict",
    "Container",
    "ContainerSubscription",
    "DataSource",
    "DataSubscription",
    "Forbidden",
    "HttpOptions",
    "Invalid",
    "Management",
    "Node",
    "NodeNotFound",
    "NotAcceptable",
    "NotSupported",
    "Registry",
    "RequestRefused",
    "ServerFailure",
    "Spec",
    "StreamError",
    "StreamLost",
    "StreamOptions",
    "StreamTimeout",
    "StructDType",
    "StructureFamily",
    "Subscription",
    "TableClient",
    "TableStructure",
    "TableUpdate",
    "TiledClientError",
    "TransportError",
    "Unauthorized",
    "Unavailable",
    "UnreadableAnswer",
    "UnsupportedMedia",
    "Update",
    "__version__",
    "from_uri",
]
