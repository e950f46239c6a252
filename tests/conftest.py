"""Fixtures of all tests: the site of `tests.settings`, and real servers."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from django.conf import settings
from django.test.utils import setup_databases
from pytest_django import DjangoDbBlocker

from tests.buckets import SHARED_BUCKET, Service, seaweedfs
from tests.marks import marks_for
from tests.migrated import saved_for_copies
from tests.servers import RunningServer, own_database, running, with_own_format
from tests.settings import SHARED_REDIS

# Servers and other processes of the tests import what the first of them has compiled.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts a background run with SIGINT ignored, which its servers would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: the time of an example depends more on the machine than on the code.
hypothesis.settings.register_profile("tiled", deadline=None)
hypothesis.settings.load_profile("tiled")

API_KEY = "secret"
# Users of `multiuser_server`: `ada` is a superuser. A test deactivates `eve`.
PASSWORDS = {
    "ada": "engine-1843",
    "alice": "wonderland-1865",
    "bob": "builder-1999",
    "eve": "out-2001",
}
TOKEN_SECRET = "what only the test and the server know"
# Settings under which the server behaves as the recorded one.
LIKE_THE_REFERENCE = {
    "TILED_STREAMING_CACHE_EXPOSE_FILE_PATHS": "true",
    # The host name that a proxy forwards in a recording.
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
            if SHARED_BUCKET and item.get_closest_marker("in_folder"):
                item.add_marker(pytest.mark.skip(reason="handles files of the storage directory"))


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[str]:
    """Return the address of this run's Redis or Valkey; at the end remove this run's keys."""
    uri, prefix = settings.TILED.streaming_cache.uri, settings.TILED.streaming_cache.prefix
    yield uri
    if SHARED_REDIS:
        with redis.Redis.from_url(uri) as connection:
            for key in connection.scan_iter(f"{prefix}*", count=1000):
                connection.delete(key)


@pytest.fixture(scope="session", autouse=True)
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Create the database of this process, and save it before the first test, for the servers."""
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False, aliases={"default"})
        with saved_for_copies(os.environ.get("TEST_DATABASE_URI")), django_db_blocker.block():
            yield


@pytest.fixture(scope="session")
def buckets() -> Iterator[Service]:
    """Run a SeaweedFS; skip if it is not installed."""
    with seaweedfs() as service:
        yield service


@pytest.fixture(scope="session")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose files may be registered with all servers."""
    return tmp_path_factory.mktemp("readable")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, readable: Path) -> Iterator[RunningServer]:
    """Run `manage.py serve` with two workers."""
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
    """Run `manage.py serve` with the users of PASSWORDS, and permissions by access tags."""
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
    """Run `manage.py runserver`, which is Daphne."""
    folder = tmp_path_factory.mktemp("runserver")
    with (
        own_database() as database,
        running(
            folder,
            "runserver",
            "0",
            "--noreload",
            TILED_SINGLE_USER_API_KEY=API_KEY,
            TILED_STORAGE_READABLE=str(readable),
            **LIKE_THE_REFERENCE,
            **database,
        ) as site,
    ):
        yield site
