"""Describe why a frame failed, as the HTTP API describes why a request failed."""

from __future__ import annotations

import logging
from typing import NamedTuple

from access.api.exception_handler import registered_status
from catalog.storage.errors import StorageError
from core.backend_failures import log_outage
from core.errors import ServiceError
from tiled_client.wire.errors import WireError

logger = logging.getLogger(__name__)

INTERNAL_ERROR = "Internal server error"
MAX_DETAIL_LENGTH = 2000
# Failures that concern the node, the producer or the server, and not one frame: the frames after it
# are not applied, because their order would be lost when this one is sent again.
STOPPING = frozenset({401, 403, 404, 500, 503})
REJECTIONS = (ServiceError, WireError, StorageError)
"""Exceptions that reject one frame, unless their status is one of `STOPPING`."""


class Failure(NamedTuple):
    """Why a frame was not applied; `retry_after` is in seconds if it may be sent again."""

    status: int
    detail: str
    code: str | None = None
    retry_after: int | None = None

    @property
    def stops(self) -> bool:
        """Whether the frames after it are not applied either."""
        again = self.retry_after is not None
        return again or self.status in STOPPING or self.code == "node_replaced"


def describe(error: BaseException, path: str) -> Failure:
    """Return the failure that `error` means for a frame; log those that are not the producer's."""
    found = _describe(error, path)
    return found._replace(detail=found.detail[:MAX_DETAIL_LENGTH])


def _describe(error: BaseException, path: str) -> Failure:
    if isinstance(error, ServiceError):
        retry_after = error.headers.get("Retry-After")
        return Failure(
            error.status, error.detail, error.code, int(retry_after) if retry_after else None
        )
    if isinstance(error, WireError):
        return Failure(422, str(error))
    if isinstance(error, Exception):
        outage = log_outage(error)
        if outage is not None:
            return Failure(outage.status, outage.detail, None, outage.retry_after)
        status = registered_status(error)
        if status is not None:
            return Failure(status, str(error), None, getattr(error, "retry_after", None))
    logger.error("A frame for the node %s failed", path, exc_info=error)
    return Failure(500, INTERNAL_ERROR)
