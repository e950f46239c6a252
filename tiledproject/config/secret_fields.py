"""Secret settings in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from streaming.address import split_addresses

SECRETS = (
    ("server", "secret_key"),
    ("authentication", "single_user_api_key"),
    ("authentication", "secret_keys"),
    ("metrics", "token"),
    ("storage", "secret_access_key"),
)
ADDRESSES = (("database", "uri"), ("database", "replica_uri"), ("streaming_cache", "uri"))


def secrets_in(file: Path) -> list[str]:
    """Return the names of the settings in `file` that are keys, or have passwords in them.

    A file that cannot be read, or is not a configuration, has none.
    """
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    found = [name for name in SECRETS if _value(document, *name)]
    found += [name for name in ADDRESSES if _has_password(_value(document, *name))]
    providers = _value(document, "authentication", "providers")
    if isinstance(providers, list) and any(_value(one, "client_secret") for one in providers):
        found.append(("authentication", "providers"))
    buckets = _value(document, "storage", "buckets")
    if isinstance(buckets, Mapping) and any(
        _value(one, "secret_access_key") for one in buckets.values()
    ):
        found.append(("storage", "buckets"))
    return [".".join(name) for name in found]


def _value(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _has_password(address: Any) -> bool:
    if isinstance(address, list):
        return any(map(_has_password, address))
    if not isinstance(address, str):
        return False
    parts = split_addresses(address)
    if len(parts) > 1:
        return any(map(_has_password, parts))
    try:
        return bool(urlsplit(address).password) or "password=" in urlsplit(address).query
    except ValueError:
        return False
