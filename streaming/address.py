"""Parse the addresses of Redis: of one server, or of a service that Sentinels watch.

    redis://[USER:PASSWORD@]HOST[:PORT][/DB][?OPTIONS][#NAME]
    redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/SERVICE[/DB][?OPTIONS][#NAME]
    unix:///PATH[?OPTIONS][#NAME]

With `rediss` in place of `redis`, all connections use TLS. User and password are those of Redis;
OPTIONS are those of redis-py, and for the Sentinels `sentinel_username` and `sentinel_password`.
Addresses of several Redis, among which the streams are divided, are separated by commas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.connection import parse_url

SENTINEL_PORT, REDIS_PORT = 26379, 6379
PLAIN = re.compile(r"(redis|rediss)://([^/?#@]*@)?[^/?#@,]+(/\d*)?(\?[^#]*)?|unix://[^?#]+(\?.*)?")
SENTINEL = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://((?P<login>[^/?#@]*)@)?(?P<hosts>[^/?#@]+)/"
    r"(?P<service>[\w.-]+)(/(?P<database>\d*))?(\?(?P<query>[^#]*))?"
)
# Sentinels are separated by commas as well, but a scheme begins only the next address.
BETWEEN = re.compile(r",(?=\s*[a-z+]+://)")
HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:(?P<port>\d+))?")
SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
FORMS = (
    "write redis://HOST:PORT, redis+sentinel://HOST,HOST/SERVICE, or rediss for TLS in place of "
    "redis"
)

Host = tuple[str, int]


@dataclass(frozen=True, slots=True)
class CacheAddress:
    """A parsed address. `service` is empty if it is that of one server.

    `name` and `place` have no passwords: `place` is for people, `name` is the fragment, or `place`.
    `options` are the arguments of a connection of redis-py; `login` are those of one to a Sentinel.
    """

    name: str
    place: str
    options: dict[str, Any] = field(hash=False)
    service: str = ""
    sentinels: tuple[Host, ...] = ()
    login: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def tls(self) -> bool:
        """Whether connections use TLS."""
        return self.options.get("connection_class") is redis.SSLConnection


@lru_cache(maxsize=64)
def split_addresses(text: str) -> tuple[str, ...]:
    """Return the addresses in a text, each as it is written."""
    return tuple(part.strip() for part in BETWEEN.split(text))


@lru_cache(maxsize=64)
def parse_address(uri: str) -> CacheAddress:
    """Return the parsed address. Raises ValueError, with the remedy."""
    main, _, fragment = uri.partition("#")
    if PLAIN.fullmatch(main):
        address = _plain(main, unquote(fragment))
    elif found := SENTINEL.fullmatch(main):
        address = _watched(found, unquote(fragment))
    else:
        raise ValueError(f"is not the address of a Redis; {FORMS}")
    _check_options(address)
    return address


def _plain(uri: str, name: str) -> CacheAddress:
    options = _parse(uri)
    if (path := options.get("path")) is not None:
        place = f"unix://{path}"
    else:
        port = options.setdefault("port", REDIS_PORT)
        place = f"{options.get('host')}:{port}"
    if database := options.get("db"):
        place += f"/{database}"
    return CacheAddress(name or place, place, options)


def _watched(found: re.Match[str], name: str) -> CacheAddress:
    login = f"{found['login']}@" if found["login"] else ""
    query = f"?{found['query']}" if found["query"] else ""
    options = _parse(f"{found['scheme']}://{login}host/{found['database'] or 0}{query}")
    del options["host"]
    sentinel_login = {
        argument: options.pop(option)
        for option, argument in SENTINEL_OPTIONS.items()
        if option in options
    }
    # Without the Sentinels: one more of them does not make it another service.
    place = f"{found['service']}/{found['database']}" if found["database"] else found["service"]
    sentinels = tuple(_host(one) for one in found["hosts"].split(","))
    return CacheAddress(name or place, place, options, found["service"], sentinels, sentinel_login)


def _parse(uri: str) -> dict[str, Any]:
    try:
        options: dict[str, Any] = parse_url(uri)
        port = urlsplit(uri).port
    except ValueError as error:
        raise ValueError(f"is not the address of a Redis ({error}); {FORMS}") from None
    if port == 0:
        raise ValueError(f"has the port 0; {FORMS}")
    return options


def _host(text: str) -> Host:
    found = HOST.fullmatch(text.strip())
    port = int(found["port"] or SENTINEL_PORT) if found else 0
    if found is None or not 0 < port < 1 << 16:
        raise ValueError(f"has {text!r} in place of the host and port of a Sentinel; {FORMS}")
    return found["host"].strip("[]"), port


def _check_options(address: CacheAddress) -> None:
    """Raise ValueError if redis-py does not know an option; it would at the first connection."""
    options = dict(address.options)
    kind = options.pop("connection_class", redis.Connection)
    try:
        kind(**options)
    except (TypeError, redis.RedisError) as error:
        known = "such as ssl_ca_certs, ssl_certfile and ssl_keyfile"
        raise ValueError(
            f"has a wrong option ({error}); write options of redis-py, {known}"
        ) from None
