"""What the other servers of a site publish about themselves, to be compared before a start."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from streaming.server_exchange import Facts, running_servers

from .config.settings_model import Settings

logger = logging.getLogger(__name__)


def facts_of_others(site: Settings, check: str) -> list[Facts]:
    """Return the facts of the servers of `site` that run, for the check with this ID.

    There are none if the check is silenced, or if Redis does not respond: then nothing can be
    compared.
    """
    cache = site.streaming_cache
    if cache.uri is None or check in site.server.silenced_checks:
        return []
    try:
        return [other.facts for other in running_servers(cache)]
    except (RedisError, OSError) as error:
        logger.debug("Cannot compare with other servers (%s): %s", check, error)
        return []
