"""Announce retries, so that a wait for a server is not silent."""

from __future__ import annotations

import logging

from ..errors import TiledClientError
from ..interactive import as_sentence, warn

logger = logging.getLogger("tiled_client")

# A wait that is over sooner is not worth a line to a person.
QUIET_SECONDS = 1.0


def announce_retry(failure: TiledClientError, delay: float, elapsed: float) -> None:
    """Log that a request is repeated after `delay` seconds; warn once that takes a while."""
    url = f" ({failure.url})" if failure.url else ""
    line = f"{as_sentence(failure.detail)} Retrying in {max(delay, 0.1):.1f} s ...{url}"
    if elapsed + delay < QUIET_SECONDS:
        logger.info("%s", line)
    else:
        warn(logger, line)
