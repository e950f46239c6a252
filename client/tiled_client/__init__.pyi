"""The public names of the package: read by type checkers and IDEs, and loaded by `_lazy_exports`.

`from .module import Name as Name` exports a name. `Old = New` keeps the former name of an export
for a release; using it warns.
"""

from .bluesky import AsyncBlueskyEventStream as AsyncBlueskyEventStream
from .bluesky import AsyncBlueskyRun as AsyncBlueskyRun
from .bluesky import AsyncCatalogOfBlueskyRuns as AsyncCatalogOfBlueskyRuns
from .bluesky import BlueskyEventStream as BlueskyEventStream
from .bluesky import BlueskyRun as BlueskyRun
from .bluesky import CatalogOfBlueskyRuns as CatalogOfBlueskyRuns
from .connect import from_uri as from_uri
from .connect_async import AsyncClient as AsyncClient
from .connect_async import from_uri_async as from_uri_async
from .errors import AmbiguousKey as AmbiguousKey
from .errors import BadRequest as BadRequest
from .errors import Conflict as Conflict
from .errors import FailureCause as FailureCause
from .errors import Forbidden as Forbidden
from .errors import FrameRejected as FrameRejected
from .errors import Invalid as Invalid
from .errors import InvalidResponse as InvalidResponse
from .errors import NodeDeleted as NodeDeleted
from .errors import NodeExists as NodeExists
from .errors import NodeNotFound as NodeNotFound
from .errors import NodeReplaced as NodeReplaced
from .errors import NotAcceptable as NotAcceptable
from .errors import NotSupported as NotSupported
from .errors import RequestRejected as RequestRejected
from .errors import ServerError as ServerError
from .errors import StreamError as StreamError
from .errors import StreamLost as StreamLost
from .errors import StreamTimeout as StreamTimeout
from .errors import TiledClientError as TiledClientError
from .errors import TransportError as TransportError
from .errors import Unauthorized as Unauthorized
from .errors import Unavailable as Unavailable
from .errors import UnsupportedMedia as UnsupportedMedia
from .http.cache import Cache as Cache
from .ingest.asyncio.node_writers import AsyncArrayWriter as AsyncArrayWriter
from .ingest.asyncio.node_writers import AsyncAwkwardWriter as AsyncAwkwardWriter
from .ingest.asyncio.node_writers import AsyncContainerWriter as AsyncContainerWriter
from .ingest.asyncio.node_writers import AsyncRaggedWriter as AsyncRaggedWriter
from .ingest.asyncio.node_writers import AsyncSparseWriter as AsyncSparseWriter
from .ingest.asyncio.node_writers import AsyncTableWriter as AsyncTableWriter
from .ingest.asyncio.writer import AsyncIngestWriter as AsyncIngestWriter
from .ingest.sync.node_writers import ArrayWriter as ArrayWriter
from .ingest.sync.node_writers import AwkwardWriter as AwkwardWriter
from .ingest.sync.node_writers import ContainerWriter as ContainerWriter
from .ingest.sync.node_writers import RaggedWriter as RaggedWriter
from .ingest.sync.node_writers import SparseWriter as SparseWriter
from .ingest.sync.node_writers import TableWriter as TableWriter
from .ingest.sync.writer import IngestWriter as IngestWriter
from .nodes import ArrayClient as ArrayClient
from .nodes import AwkwardClient as AwkwardClient
from .nodes import BytesClient as BytesClient
from .nodes import Container as Container
from .nodes import DaskArrayClient as DaskArrayClient
from .nodes import DaskSparseClient as DaskSparseClient
from .nodes import DaskTableClient as DaskTableClient
from .nodes import DatasetClient as DatasetClient
from .nodes import MetadataRevisions as MetadataRevisions
from .nodes import Node as Node
from .nodes import RaggedClient as RaggedClient
from .nodes import Revision as Revision
from .nodes import SparseClient as SparseClient
from .nodes import TableClient as TableClient
from .nodes.asyncio import AsyncArrayClient as AsyncArrayClient
from .nodes.asyncio import AsyncAwkwardClient as AsyncAwkwardClient
from .nodes.asyncio import AsyncBytesClient as AsyncBytesClient
from .nodes.asyncio import AsyncContainer as AsyncContainer
from .nodes.asyncio import AsyncNode as AsyncNode
from .nodes.asyncio import AsyncRaggedClient as AsyncRaggedClient
from .nodes.asyncio import AsyncSparseClient as AsyncSparseClient
from .nodes.asyncio import AsyncTableClient as AsyncTableClient
from .nodes.classes import register_special_client as register_special_client
from .nodes.printing import tree as tree
from .profiles.collection import list_profiles as list_profiles
from .profiles.connecting import from_profile as from_profile
from .profiles.default import get_default_profile_name as get_default_profile_name
from .profiles.default import set_default_profile_name as set_default_profile_name
from .profiles.errors import ProfileError as ProfileError
from .profiles.errors import ProfileExists as ProfileExists
from .profiles.errors import ProfileNotFound as ProfileNotFound
from .settings import HttpOptions as HttpOptions
from .settings import StreamOptions as StreamOptions
from .settings import WriterOptions as WriterOptions
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
from .stream.protocol.notices import ConnectionLost as ConnectionLost
from .stream.protocol.notices import ConnectionRestored as ConnectionRestored
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
from .stream.updates import RegionUpdate as RegionUpdate
from .stream.updates import SparseUpdate as SparseUpdate
from .stream.updates import TableReference as TableReference
from .stream.updates import TableUpdate as TableUpdate
from .stream.updates import Update as Update
from .version import __version__ as __version__
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

__all__: list[str]

Registry = CallbackRegistry
RequestRefused = RequestRejected
ServerFailure = ServerError
UnreadableAnswer = InvalidResponse
