"""The world that tests happen in: the site of `tests.settings`, and real servers."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from django.conf import settings

from tests.marks import marks_for
from tests.servers import RunningServer, manage, own_database, running, with_own_format
from tests.settings import SHARED_REDIS

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run in the background is deaf to Ctrl-C, and would hand that on to the servers it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("tiled", deadline=None)
hypothesis.settings.load_profile("tiled")

API_KEY = "secret"
# Of `multiuser_server`: a superuser, and some who are none. `eve` does not stay.
PASSWORDS = {
    "ada": "engine-1843",
    "alice": "wonderland-1865",
    "bob": "builder-1999",
    "eve": "out-2001",
}
TOKEN_SECRET = "what only the test and the server know"
# Whose recordings are replayed.
LIKE_THE_REFERENCE = {
    "TILED_STREAMING_CACHE_EXPOSE_FILE_PATHS": "true",
    # By this name a proxy in a recording calls the server.
    "TILED_SERVER_ALLOWED_HOSTS": "data.example.org",
}


MAKE_USERS = """
from django.contrib.auth.models import User
for name, password in {passwords}.items():
    User.objects.create_user(name, password=password, is_superuser=name == "ada", is_staff=True)
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it needs, so that `-m unit` selects the fast ones."""
    for item in items:
        if isinstance(item, pytest.Function):
            for mark in marks_for(item):
                item.add_marker(mark)


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[str]:
    """The address of this run's Redis or Valkey; what the run leaves in a shared one is removed."""
    uri, prefix = settings.TILED.streaming_cache.uri, settings.TILED.streaming_cache.prefix
    yield uri
    if SHARED_REDIS:
        with redis.Redis.from_url(uri) as connection:
            for key in connection.scan_iter(f"{prefix}*", count=1000):
                connection.delete(key)


@pytest.fixture(scope="session")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where files lie that may be registered with both servers."""
    return tmp_path_factory.mktemp("readable")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, readable: Path) -> Iterator[RunningServer]:
    """`manage.py serve` with two workers."""
    folder = tmp_path_factory.mktemp("serve")
    options = ("--port", "0", "--workers", "2", "--api-key", API_KEY, "--read", str(readable))
    with (
        own_database() as database,
        running(
            folder, "serve", *options, **LIKE_THE_REFERENCE, **with_own_format(folder), **database
        ) as site,
    ):
        yield site


@pytest.fixture(scope="session")
def multiuser_server(
    tmp_path_factory: pytest.TempPathFactory, readable: Path
) -> Iterator[RunningServer]:
    """`manage.py serve` with the users of PASSWORDS, who log in at `local`, and rights by tags."""
    folder = tmp_path_factory.mktemp("multiuser")
    settings = {
        "TILED_AUTHENTICATION_PROVIDERS": '[{"provider": "local", "kind": "django", '
        '"confirmation_message": "You are {id}."}]',
        "TILED_AUTHENTICATION_ACCESS_POLICY": "tags",
        "TILED_AUTHENTICATION_SECRET_KEYS": json.dumps([TOKEN_SECRET]),
        "TILED_STORAGE_READABLE": str(readable),
    }
    with (
        own_database() as database,
        running(folder, "serve", "--port", "0", "--workers", "2", **settings, **database) as site,
    ):
        made = site.manage("shell", "-c", MAKE_USERS.format(passwords=PASSWORDS))
        assert made.returncode == 0, made.stderr
        yield site


@pytest.fixture(scope="session")
def runserver(tmp_path_factory: pytest.TempPathFactory, readable: Path) -> Iterator[RunningServer]:
    """`manage.py runserver`: Daphne."""
    folder = tmp_path_factory.mktemp("runserver")
    with own_database() as database:
        migrated = manage(folder, "migrate", **database)
        assert migrated.returncode == 0, migrated.stderr
        with running(
            folder,
            "runserver",
            "0",
            "--noreload",
            TILED_SINGLE_USER_API_KEY=API_KEY,
            TILED_STORAGE_READABLE=str(readable),
            **LIKE_THE_REFERENCE,
            **database,
        ) as site:
            yield site
