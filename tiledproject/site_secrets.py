"""Refuse to start a server whose secrets are not those of the other servers of the site.

A login at one server would be rejected by another. Each server that runs publishes slow digests of
its secrets, from which they cannot be found out.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from streaming.server_exchange import Facts

from .config.errors import ConfigError
from .config.settings_model import Settings
from .facts_of_others import facts_of_others

ID = "tiled.E007"
SETTINGS = {
    "secret_key": "server.secret_key",
    "api_key": "authentication.single_user_api_key",
    "token_keys": "authentication.secret_keys",
}


def secret_facts(site: Settings) -> Facts:
    """Return the digests of the secrets of `site` with their names in SETTINGS."""
    tokens = [key.get_secret_value() for key in site.authentication.secret_keys]
    secrets: dict[str, list[str | None]] = {
        "secret_key": [site.server.secret_key],
        "api_key": [site.authentication.single_user_api_key],
        "token_keys": [*tokens],
    }
    prefix = site.streaming_cache.prefix
    return {
        name: [_digest(prefix, name, one) for one in values if one]
        for name, values in secrets.items()
    }


def refuse_other_secrets(site: Settings) -> None:
    """Raise ConfigError if a server of the site runs with other secrets.

    During a rotation, servers have one of several `authentication.secret_keys` in common.
    """
    others = facts_of_others(site, ID)
    if not others:
        return  # the digests take time
    own = secret_facts(site)
    for other in others:
        for name, setting in SETTINGS.items():
            theirs = other.get(name, [])
            if set(own[name]).isdisjoint(theirs) and (own[name] or theirs):
                raise ConfigError(
                    f"{setting} is not the same as on another server of this site, which runs with "
                    f"the same streaming_cache.uri and prefix {site.streaming_cache.prefix!r}: "
                    "keys and logins that one accepts would be rejected by the other. Give all "
                    "servers of the site the same value, or another prefix to another site. "
                    f"({ID})"
                )


@lru_cache(maxsize=64)
def _digest(prefix: str, name: str, secret: str) -> bytes:
    salt = f"{prefix} {name}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=16)
