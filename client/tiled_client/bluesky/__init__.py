"""Client objects of the runs that bluesky writes, their streams, and catalogs of them; a writer."""

from .asynchronous import AsyncBlueskyEventStream, AsyncBlueskyRun, AsyncCatalogOfBlueskyRuns
from .catalog import CatalogOfBlueskyRuns
from .event_stream import BlueskyEventStream
from .queries import PartialUID, PlanName, ScanID, ScanIDRange, TimeRange
from .run import BlueskyRun
from .writing.writer import Writer

__all__ = [
    "AsyncBlueskyEventStream",
    "AsyncBlueskyRun",
    "AsyncCatalogOfBlueskyRuns",
    "BlueskyEventStream",
    "BlueskyRun",
    "CatalogOfBlueskyRuns",
    "PartialUID",
    "PlanName",
    "ScanID",
    "ScanIDRange",
    "TimeRange",
    "Writer",
]
