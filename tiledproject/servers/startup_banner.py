"""Banner printed at the start: URL, API key, and first steps; and the first line of the log."""

from __future__ import annotations

import ipaddress
import logging

from core.program import program
from core.version import PRODUCT, VERSION

from ..config.logs import AccessLogMode
from ..config.settings_model import Settings

logger = logging.getLogger(__name__)

ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104
# A random key of this many characters cannot be tried out over a network.
MIN_KEY_LENGTH = 16
MIN_DISTINCT_CHARACTERS = 6

TEXT = """
  tiled-stream {version}

  Address  {address}
  API key  {key}
  Web page {address}/ui/
  Admin    {address}/admin/  (user "admin", password: the API key)
  API docs {address}/docs

      from tiled_client import from_uri
      client = from_uri("{address}", api_key="<the API key above>")
      print(client)

  Ctrl-C stops the server.{requests}
"""
TEXT_WITH_USERS = """
  tiled-stream {version}

  Address  {address}
  Web page {address}/ui/
  Log in   by {providers}
  Admin    {address}/admin/  (for superusers: {program} createsuperuser makes one)
  API docs {address}/docs

      from tiled_client import from_uri
      client = from_uri("{address}")
      print(client)

  Ctrl-C stops the server.{requests}
"""
# Said only where the access log has them.
FIRST_REQUESTS = " Its first requests are logged below."


def startup_banner(settings: Settings, host: str, port: int) -> str:
    """Return the URL, the API key, the admin, and three lines of client code."""
    address = _address(host, port) + settings.server.root_path
    logged = settings.logs.access is not AccessLogMode.none
    common = {"version": VERSION, "requests": FIRST_REQUESTS if logged else ""}
    if settings.authentication.multi_user:
        providers = ", ".join(known.provider for known in settings.authentication.providers)
        return TEXT_WITH_USERS.format(
            **common, address=address, providers=providers, program=program()
        )
    key = settings.authentication.single_user_api_key or ""
    warn_if_guessable(key, host)
    return TEXT.format(**common, address=address, key=key)


def start_line(settings: Settings, host: str, port: int) -> str:
    """Return the line of the log about the start: version, address and backends, no secrets."""
    server = settings.server
    database = "SQLite" if settings.database.uri.startswith("sqlite") else "PostgreSQL"
    address = _address(host, port) + server.root_path
    return (
        f"{PRODUCT} {VERSION} serves at {address} with {server.workers} workers, "
        f"{database} and storage in {settings.storage.uri or settings.storage.directory}."
    )


def _address(host: str, port: int) -> str:
    name = "localhost" if host in ANY_ADDRESS else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def warn_if_guessable(key: str, host: str) -> None:
    """Log a warning where others on the network could try out the key."""
    if not is_loopback(host) and is_guessable(key):
        logger.warning(
            "The API key is easy to guess, and the server listens beyond this machine (%s): leave "
            "it out to get a random one.",
            host,
        )


def is_guessable(key: str) -> bool:
    """Return whether a key is short, or has few different characters."""
    return len(key) < MIN_KEY_LENGTH or len(set(key)) < MIN_DISTINCT_CHARACTERS


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
