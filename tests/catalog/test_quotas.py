"""Quotas of subtrees and of principals are enforced, and say what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from django.conf import settings
from django.http import HttpResponse

from catalog.lifecycle_config import PrincipalQuota, QuotaSettings, SubtreeQuota
from catalog.models import DataSource
from tests.catalog.factories import settings_of
from tiled_client.wire.structures import ArrayStructure

from .conftest import ARROW, OCTETS, Api, ipc
from .factories import person, with_users

ARRAY = np.zeros((10, 100), "u1")


@contextmanager
def quotas(**configured: Any) -> Iterator[None]:
    with settings_of(settings.TILED.model_copy(update={"quotas": QuotaSettings(**configured)})):
        yield


def refused(response: HttpResponse) -> tuple[int, str]:
    body = orjson.loads(response.content)
    return response.status_code, body.get("code", "")


def create(api: Api, path: str) -> HttpResponse:
    return api.create(path, "array", ArrayStructure.from_array(ARRAY))


@pytest.fixture
def users(api: Api) -> Api:
    for path in ("users", "users/ann", "users/bob"):
        api.container(path)
    return api


def test_bytes_of_a_subtree_are_limited(users: Api) -> None:
    with quotas(subtrees=[SubtreeQuota(path="users/ann", bytes=2500)]):
        for key in ("a", "b"):
            assert create(users, f"users/ann/{key}").status_code == 200
        found = create(users, "users/ann/c")
        assert refused(found) == (507, "quota_exceeded")
        assert b"/users/ann is 2.5 kB, of which 2.0 kB are used" in found.content
        assert create(users, "users/bob/c").status_code == 200
        # A write within the shape needs nothing; growth does.
        row = ARRAY[0].tobytes()
        assert (
            users.send("PUT", "/array/full/users/ann/a", ARRAY.tobytes(), OCTETS).status_code == 200
        )
        for offset, status in ((10, 200), (15, 507)):
            address = f"/array/full/users/ann/a?offset={offset},0&shape=1,100&extend=true"
            assert users.send("PATCH", address, row, OCTETS).status_code == status
        large = ArrayStructure.from_array(np.zeros(3000, "u1"))
        assert refused(users.create("users/ann/d", "array", large)) == (413, "quota_exceeded")


def test_tables_count_by_the_bytes_of_their_files(users: Api) -> None:
    rows = pa.table({"a": np.zeros(100)})
    users.table("users/ann/t", rows)
    address = "/table/partition/users/ann/t?partition=0"
    with quotas(subtrees=[SubtreeQuota(path="users", bytes=5000)], refresh=1e-9):
        statuses = [users.send("PATCH", address, ipc(rows), ARROW).status_code for _ in range(8)]
    assert statuses == sorted(statuses)
    assert set(statuses) == {200, 507}


def test_the_number_of_nodes_is_limited_and_deleting_frees(users: Api) -> None:
    with quotas(subtrees=[SubtreeQuota(path="users", nodes=3)], refresh=1e-9):
        assert create(users, "users/ann/a").status_code == 200
        assert refused(create(users, "users/ann/b")) == (507, "quota_exceeded")
        address = "/metadata/users/ann/a?external_only=false"
        assert users.send("DELETE", address).status_code == 200
        assert create(users, "users/ann/b").status_code == 200


def test_arrays_of_an_earlier_version_are_measured(users: Api) -> None:
    assert create(users, "users/ann/a").status_code == 200
    DataSource.objects.update(nbytes=None)
    with quotas(subtrees=[SubtreeQuota(path="", bytes=1500)]):
        assert create(users, "users/ann/b").status_code == 507
    assert DataSource.objects.get().nbytes == ARRAY.nbytes


def test_each_user_has_a_quota(api: Api) -> None:
    with settings_of(with_users()):
        ann, bob = person("ann", admin=True), person("bob", admin=True)
        with quotas(principal=PrincipalQuota(nodes=1)):
            assert create(ann, "a").status_code == 200
            assert refused(create(ann, "b")) == (507, "quota_exceeded")
            assert create(bob, "b").status_code == 200
