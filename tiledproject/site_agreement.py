"""Compare settings that all servers of a site need alike with those of the servers that run.

Each server publishes its values. One that permits or retains something else than the others does
not start; where the difference is only noticed by users, it logs a warning.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from streaming.server_exchange import Facts

from .config.errors import ConfigError
from .config.settings_model import Settings
from .facts_of_others import facts_of_others

logger = logging.getLogger(__name__)

ID = "tiled.E008"
FACT = "settings"
REASONS = {
    "streaming_cache.replication_seconds": "updates of a server that keeps none would be lost in "
    "a failover",
    "authentication.access_policy": "what one denies, the other would permit",
    "authentication.allow_anonymous_access": "what one denies, the other would permit",
    "authentication.tags_of_new_nodes": "who may read a node would depend on where it was created",
}
"""Settings that must agree, each with what happens otherwise."""


def setting_facts(site: Settings) -> Facts:
    """Return the values that are compared, by the name of their setting."""
    cache, login = site.streaming_cache, site.authentication
    values: dict[str, Any] = {
        "streaming_cache.replication_seconds": cache.retained_seconds,
        "authentication.access_policy": login.access_policy,
        "authentication.allow_anonymous_access": login.allow_anonymous_access,
        "authentication.tags_of_new_nodes": login.tags_of_new_nodes,
        "authentication.providers": sorted(one.provider for one in login.providers),
        "streaming_cache.data_ttl": cache.data_ttl,
        "streaming_cache.seq_ttl": cache.seq_ttl,
        "streaming_cache.stream_bytes": cache.stream_bytes,
        "streaming_cache.expose_file_paths": cache.expose_file_paths,
        "storage.expose_raw_assets": site.storage.expose_raw_assets,
        "storage.response_bytesize_limit": site.storage.response_bytesize_limit,
        "quotas": site.quotas.model_dump(mode="json"),
    }
    # Text, so that a value of another type in another version can be compared and shown.
    return {FACT: {name: json.dumps(value, sort_keys=True) for name, value in values.items()}}


def refuse_other_settings(site: Settings) -> None:
    """Raise ConfigError, or log warnings, if a server of the site runs with other settings."""
    others = facts_of_others(site, ID)
    own: dict[str, str] = setting_facts(site)[FACT]
    for name, value in own.items():
        # Servers of another version may not publish it.
        different = {other.get(FACT, {}).get(name, value) for other in others} - {value}
        if different:
            _report(name, value, ", ".join(sorted(different)), site.streaming_cache.prefix)


def _report(name: str, value: str, others: str, prefix: str) -> None:
    text = (
        f"{name} is {value}, but {others} on another server of this site, which runs with the same "
        f"streaming_cache.uri and prefix {prefix!r}"
    )
    remedy = "Give all servers of the site the same value, or another prefix to another site."
    if name in REASONS:
        raise ConfigError(f"{text}: {REASONS[name]}. {remedy} ({ID})")
    logger.warning("%s. %s", text, remedy)
