"""Users of a site with rights per node, each with a key to use the API by."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from django.conf import settings
from django.contrib.auth.models import User

from access.api_keys.store import hash_secret
from access.config import AccessPolicy
from access.models import FIRST, Account, ApiKey, Grant, Tag
from access.principals import Scope
from access.providers import DjangoProvider
from catalog.models import Node
from tests.catalog.conftest import Api
from tiled_client.wire.structures import ArrayStructure, TableStructure

READER = (Scope.read_metadata, Scope.read_data)
WRITER = (*READER, Scope.write_metadata, Scope.write_data, Scope.create_node)
INHERIT = ("inherit",)
NUMBERS = np.arange(3)


def with_users(**authentication: Any) -> Any:
    """This site's settings, with users and rights per node."""
    site = settings.TILED
    changed = {
        "providers": [DjangoProvider(provider="local", kind="django")],
        "single_user_api_key": None,
        "access_policy": AccessPolicy.tags,
        **authentication,
    }
    return site.model_copy(
        update={"authentication": site.authentication.model_copy(update=changed)}
    )


@contextmanager
def settings_of(site: Any) -> Iterator[None]:
    """Let the site have other settings for a while."""
    before = settings.TILED
    settings.TILED = site
    try:
        yield
    finally:
        settings.TILED = before


def person(
    name: str,
    *,
    admin: bool = False,
    scopes: Collection[str] = INHERIT,
    tags: list[str] | None = None,
) -> Api:
    """A user of that name, and the API as they use it; their key may be restricted."""
    user, _ = User.objects.get_or_create(
        username=name, defaults={"is_superuser": admin, "is_staff": admin}
    )
    secret = f"{ApiKey.objects.count():08x}" + 64 * "0"
    ApiKey.objects.create(
        first_eight=secret[:FIRST],
        hashed_secret=hash_secret(secret),
        owner=Account.objects.get(user=user),
        scopes=list(scopes),
        access_tags=tags,
    )
    return Api(key=secret)


def grant(tag: str, *names: str, scopes: Collection[Scope], may_apply: bool = False) -> None:
    """Let users of those names do `scopes` on nodes that have the tag."""
    made, _ = Tag.objects.get_or_create(name=tag)
    for name in names:
        Grant.objects.create(
            tag=made,
            account=Account.objects.get(user__username=name),
            scopes=sorted(scopes),
            may_apply=may_apply,
        )


@dataclass
class Site:
    """Four people; `mx` is a tag that alice gives, bob writes by, and carol reads by."""

    root: Api
    alice: Api
    bob: Api
    carol: Api
    nobody: Api

    @property
    def people(self) -> dict[str, Api]:
        return {name: getattr(self, name) for name in ("root", "alice", "bob", "carol", "nobody")}


@contextmanager
def people() -> Iterator[Site]:
    """A site with rights per node that is open to anybody, and an empty catalog."""
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    with settings_of(with_users(allow_anonymous_access=True)):
        site = Site(
            person("root", admin=True),
            *(person(name) for name in ("alice", "bob", "carol")),
            Api(key=None),
        )
        grant("mx", "alice", scopes=[*WRITER, Scope.delete_node], may_apply=True)
        grant("mx", "bob", scopes=WRITER)
        grant("mx", "carol", scopes=READER)
        yield site


def make(api: Api, path: str, tags: list[str] | None = None, family: str = "container") -> Any:
    parent, _, key = path.rpartition("/")
    body: dict[str, Any] = {"id": key, "structure_family": family, "access_tags": tags}
    if family != "container":
        structure: Any = ArrayStructure.from_array(NUMBERS)
        if family == "table":
            structure = TableStructure.from_schema(pa.table({"x": [1]}).schema)
        body["data_sources"] = [{"structure_family": family, "structure": structure.to_json()}]
    response = api.send("POST", f"/metadata/{parent}", body)
    assert response.status_code == 200, response.content
    return orjson.loads(response.content)
