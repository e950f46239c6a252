"""Users of a site with permissions by access tags, each with an API key."""

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
from access.models import KEY_PREFIX_LENGTH, Account, ApiKey, Grant, Tag
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
    """Return this site's settings, changed to have users and permissions by access tags."""
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
    """Replace the site's settings within the context."""
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
    """Create a user, unless they exist, and return the API as used with a new key of theirs.

    The key may be restricted to `scopes` and `tags`.
    """
    user, _ = User.objects.get_or_create(
        username=name, defaults={"is_superuser": admin, "is_staff": admin}
    )
    secret = f"{ApiKey.objects.count():08x}" + 64 * "0"
    ApiKey.objects.create(
        first_eight=secret[:KEY_PREFIX_LENGTH],
        hashed_secret=hash_secret(secret),
        owner=Account.objects.get(user=user),
        scopes=list(scopes),
        access_tags=tags,
    )
    return Api(key=secret)


def grant(tag: str, *names: str, scopes: Collection[Scope], may_apply: bool = False) -> None:
    """Grant `scopes` on nodes with the tag to the users of those names."""
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
    """The API as used by four users, and anonymously (`nobody`).

    Nodes with the tag `mx` can be read by carol, written by bob, and written and deleted by alice,
    who may also apply the tag. `root` is an administrator.
    """

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
    """Provide an empty site with permissions by access tags and anonymous access."""
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
    """Create a node at `path`, and return the response."""
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
