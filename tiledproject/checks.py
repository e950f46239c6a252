"""Deployment checks. Errors stop `serve` and `runserver`; `check --deploy` reports warnings too.

Each finding has an id, which a site that accepts the risk can name in `server.silenced_checks`.
A check is added to CHECKS if it needs only settings and folders; those that need a connection, or
the tables of the database, are in `start_checks`. This module needs no configured Django.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from access.config import AccessPolicy
from catalog.storage.bucket_files.paths import ObjectPath
from catalog.storage.confined.confinement import Protection

from .config.directories import (
    config_file,
    is_open_to_all,
    is_open_to_others,
    private_paths,
    secret_files,
)
from .config.secret_fields import secrets_in
from .config.settings_model import Settings
from .servers.startup_banner import is_guessable, is_loopback

Found = Iterator[CheckMessage]
LARGEST_NETWORK_V4 = 8
LARGEST_NETWORK_V6 = 16
GUESSABLE_KEY_ID = "tiled.E003"


def check_site(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return the findings about this site."""
    return problems(settings.TILED)


def problems(site: Settings) -> list[CheckMessage]:
    """Return the findings about a site with these settings."""
    return [found for look in CHECKS for found in look(site)]


def register_checks() -> None:
    """Register the deployment checks with Django."""
    register(check_site, "security", deploy=True)


def _readable_folders(site: Settings) -> Found:
    for folder in site.storage.readable:
        real = folder.resolve()
        if real == Path("/"):
            yield Error(
                "storage.readable contains the root directory: clients that can register files can "
                "read everything that the server's user can.",
                hint="List only the directories with data.",
                id="tiled.E001",
            )
        elif own := [place for place in _private_places(site) if place.is_relative_to(real)]:
            yield Error(
                f"storage.readable has {folder}, which contains the server's own {own[0]}: keys, "
                "the database or settings could be read.",
                hint="Name the folders that hold data, and no others.",
                id="tiled.E002",
            )


def _private_places(site: Settings) -> list[Path]:
    uri = site.storage.uri
    return [*private_paths(site), *([] if uri is None else [ObjectPath.parse(uri)])]


def _keys(site: Settings) -> Found:
    key = site.authentication.single_user_api_key
    if key is not None and is_guessable(key):
        yield Error(
            "The site's own API key is easy to guess.",
            hint="Leave out authentication.single_user_api_key to get a random one.",
            id=GUESSABLE_KEY_ID,
        )


def _secrets(site: Settings) -> Found:
    folder = site.server.data_dir
    if folder.is_dir() and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield Error(
            f"Others may write to the data directory {folder}, which holds keys and the database.",
            hint=f"chmod go-w {folder}",
            id="tiled.E004",
        )
    for file in secret_files(site):
        if is_open_to_others(file):
            yield Error(
                f"Others may read {file}.",
                hint=f"chmod 600 {file}",
                id="tiled.E005",
            )
    config = config_file()
    if config and is_open_to_all(config) and (names := secrets_in(config)):
        yield Warning(
            f"All users of this machine may read {config}, which has {', '.join(names)}.",
            hint=f"chmod o-r {config}",
            id="tiled.W010",
        )
    for name, place in (("data", folder), ("storage", site.storage.directory)):
        if is_open_to_others(place) and not place.stat().st_mode & stat.S_IWOTH:
            yield Warning(
                f"Others may look into the {name} folder {place}.",
                hint=f"chmod 700 {place}",
                id="tiled.W008",
            )


def _proxies(site: Settings) -> Found:
    for network in site.server.trusted_proxies:
        largest = LARGEST_NETWORK_V4 if network.version == 4 else LARGEST_NETWORK_V6
        if network.prefixlen < largest:
            yield Error(
                f"server.trusted_proxies contains {network}: any host there can forge a client's "
                "address, and claim that a plain connection uses TLS.",
                hint="List the addresses of your proxies.",
                id="tiled.E006",
            )


def _reach(site: Settings) -> Found:
    server = site.server
    if not server.tls:
        yield Warning(
            "Clients reach the server without TLS: keys, passwords and data can be read and "
            "changed on their way.",
            hint="Put a proxy before it, and set server.tls and server.hsts_seconds.",
            id="tiled.W001",
        )
    elif not is_loopback(server.host):
        yield Warning(
            f"The server listens beyond this machine ({server.host}), so that clients can go round "
            "the proxy that speaks TLS.",
            hint="Let server.host be 127.0.0.1, or let a firewall let only the proxy through.",
            id="tiled.W002",
        )
    if not server.allowed_hosts:
        yield Warning(
            "server.allowed_hosts is empty: behind a proxy no client reaches the server by its "
            "public name, and on every network it answers to any.",
            hint="Name the public name of the server.",
            id="tiled.W003",
        )


def _browsers(site: Settings) -> Found:
    if "*" in site.server.allow_origins:
        yield Warning(
            "server.allow_origins is `*`: any page that a visitor opens reads what is public here, "
            "also on a server that only the visitor can reach.",
            hint="Name the sites whose pages use this one.",
            id="tiled.W004",
        )
    if plain := [origin for origin in site.server.allow_origins if origin.startswith("http://")]:
        yield Warning(
            f"server.allow_origins contains origins without TLS: {', '.join(plain)}.",
            hint="Use https: an attacker who modifies such a page in transit acts as its visitors.",
            id="tiled.W005",
        )


def _rights(site: Settings) -> Found:
    authentication = site.authentication
    policy = authentication.access_policy
    if policy is AccessPolicy.tags and not authentication.multi_user:
        yield Warning(
            "authentication.access_policy is `tags`, but there are no users: the site's keys see "
            "everything.",
            hint="Set authentication.providers.",
            id="tiled.W006",
        )
    open_to_all = authentication.allow_anonymous_access and policy is AccessPolicy.none
    if open_to_all and authentication.multi_user:
        yield Warning(
            "All clients can read everything, although the site has users.",
            hint="With authentication.access_policy `tags`, only nodes tagged `public` are open.",
            id="tiled.W007",
        )


def _renamed(site: Settings) -> Found:
    for sentence in site.deprecated_names:
        yield Warning(
            f"The setting {sentence}",
            hint="The old name is accepted for one release.",
            id="tiled.W011",
        )


def _confinement(site: Settings) -> Found:
    missing = Protection.here().missing
    if missing and site.storage.readable:
        yield Warning(
            missing,
            hint="Run the server on a kernel that has it, or restrict writing to the folders in "
            "storage.readable to users whom you would give an account on this machine.",
            id="tiled.W009",
        )


CHECKS: list[Callable[[Settings], Found]] = [
    _readable_folders,
    _keys,
    _secrets,
    _proxies,
    _reach,
    _browsers,
    _rights,
    _confinement,
    _renamed,
]
