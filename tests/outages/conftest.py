"""A database that tests may stop, and this process as its client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from pytest_django import DjangoDbBlocker

from catalog.database_vendor import vendor
from tiledproject.config.databases import django_database
from tiledproject.postgresql.base import DatabaseWrapper
from tools.backends.pgbouncer import PROGRAM, own_pgbouncer
from tools.backends.postgresql_cluster import Cluster, own_cluster, postgresql_here

OnCluster = Callable[[], AbstractContextManager[DatabaseWrapper]]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run a PostgreSQL for the tests of this folder; a test that stops it starts it again."""
    if not postgresql_here():
        pytest.skip("no PostgreSQL binaries in /usr/lib/postgresql")
    with own_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def pooled_uri(cluster: Cluster) -> Iterator[str]:
    """Run a PgBouncer in transaction mode, which has sessions for three transactions at a time."""
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed")
    with own_pgbouncer(cluster, "transaction", "default_pool_size=3") as port:
        yield cluster.uri_at(port)


@pytest.fixture
def on_cluster(cluster: Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[OnCluster]:
    """Return a context in which this thread uses `cluster`, by a pool of its own."""
    with django_db_blocker.unblock():  # it guards the default database
        yield from _at(cluster.admin)


@pytest.fixture
def on_pgbouncer(pooled_uri: str, django_db_blocker: DjangoDbBlocker) -> Iterator[OnCluster]:
    """Return a context in which this thread uses the cluster through PgBouncer."""
    with django_db_blocker.unblock():
        yield from _at(pooled_uri)


def _at(uri: str) -> Iterator[OnCluster]:
    alias = "outages"
    defaults = connections[DEFAULT_DB_ALIAS].settings_dict
    description = {**defaults, "CONN_MAX_AGE": 0, **django_database(uri)}

    @contextmanager
    def on() -> Iterator[DatabaseWrapper]:
        before = connections[DEFAULT_DB_ALIAS]
        wrapper = DatabaseWrapper(description, alias)
        connections[DEFAULT_DB_ALIAS] = wrapper
        vendor.cache_clear()
        try:
            yield wrapper
        finally:
            wrapper.close()
            connections[DEFAULT_DB_ALIAS] = before
            vendor.cache_clear()

    yield on
    DatabaseWrapper(description, alias).close_pool()
