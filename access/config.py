"""Settings of who may do what: the section `authentication`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from .providers import DjangoProvider, OidcProvider, Provider

KEY = re.compile(r"[A-Za-z0-9_]+")
MIN_SECRET_LENGTH = 32


class AccessPolicy(StrEnum):
    """Whether rights differ from node to node."""

    none = "none"
    tags = "tags"


class AuthenticationSettings(BaseModel):
    """How a client proves that it may write, and whether it must prove anything to read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    single_user_api_key: str | None = Field(
        default=None,
        description="The API key of the site: letters, digits and underscores. Left out, a random "
        "one is made at the first start and kept in the file `api_key` of the data folder. A site "
        "with `providers` has none.",
        examples=["3f0c9b7e51d24a8f"],
    )
    allow_anonymous_access: bool = Field(
        default=False,
        description="Whether anyone may read without a key. Writing always takes the key.",
        examples=["false"],
    )
    providers: list[Provider] = Field(
        default=[],
        description="Who vouches for users. With any, the site has users, each with keys of their "
        "own, and no key of its own. See [Give people access](../how-to/give-people-access.md).",
        examples=["[{provider: local, kind: django}]"],
    )
    secret_keys: list[SecretStr] = Field(
        default=[],
        description="What tokens are signed with: the first signs, and any is believed, so that a "
        "new one is put first. At least 32 characters each. Left out, one that follows from "
        "`server.secret_key`.",
        examples=["[64 random characters]"],
    )
    access_token_max_age: int = Field(
        default=15 * 60,
        ge=1,
        le=10**9,
        description="Seconds for which a token opens anything, before it has to be refreshed.",
        examples=["900"],
    )
    refresh_token_max_age: int = Field(
        default=7 * 86400,
        ge=1,
        le=10**9,
        description="Seconds for which a token can be refreshed; each refresh begins them anew.",
        examples=["604800"],
    )
    session_max_age: int = Field(
        default=365 * 86400,
        ge=1,
        le=10**9,
        description="Seconds after which a user has to log in again, however often they refreshed.",
        examples=["31536000"],
    )
    browser_session_max_age: int = Field(
        default=12 * 3600,
        ge=60,
        le=10**9,
        description="Seconds after which the admin and the other pages ask a browser to log in "
        "again.",
        examples=["43200"],
    )

    access_policy: AccessPolicy = Field(
        default=AccessPolicy.none,
        description="`none`: whoever may do something may do it on every node. `tags`: what "
        "somebody may do on a node, and whether they see it, depends on its access tags.",
        examples=["tags"],
    )
    tags_of_new_nodes: Literal["owner", "parent"] = Field(
        default="owner",
        description="With the access policy `tags`, the tags of a node that is created without "
        "any: `owner` is that of whoever creates it; `parent` those of its container, if it has "
        "any.",
        examples=["parent"],
    )

    @field_validator("single_user_api_key")
    @classmethod
    def _alphanumeric(cls, key: str | None) -> str | None:
        # Clients recognise no other alphabet as a key, and then believe that they have none.
        if key is not None and KEY.fullmatch(key) is None:
            raise ValueError(
                "has other characters than letters, digits and underscores; choose a key without "
                "them, or leave it out to get a random one"
            )
        return key

    @field_validator("secret_keys")
    @classmethod
    def _long(cls, keys: list[SecretStr]) -> list[SecretStr]:
        if any(len(key.get_secret_value()) < MIN_SECRET_LENGTH for key in keys):
            raise ValueError(f"has one with fewer than {MIN_SECRET_LENGTH} characters")
        return keys

    @field_validator("providers")
    @classmethod
    def _distinct(cls, providers: list[Provider]) -> list[Provider]:
        names = [provider.provider for provider in providers]
        if len(set(names)) < len(names):
            raise ValueError("names a provider twice")
        if sum(isinstance(provider, DjangoProvider) for provider in providers) > 1:
            raise ValueError("has more than one provider of the kind django; keep one")
        return providers

    @model_validator(mode="after")
    def _either_or(self) -> AuthenticationSettings:
        if self.providers and self.single_user_api_key is not None:
            raise ValueError(
                "single_user_api_key and authentication.providers cannot go together: leave out "
                "the key, or the providers"
            )
        return self

    @property
    def multi_user(self) -> bool:
        """Whether the site has users."""
        return bool(self.providers)

    @property
    def local(self) -> DjangoProvider | None:
        """The provider of this site's own passwords, if there is one."""
        return next((p for p in self.providers if isinstance(p, DjangoProvider)), None)

    def oidc(self, name: str) -> OidcProvider | None:
        """The provider of browser logins with this name."""
        found = (p for p in self.providers if isinstance(p, OidcProvider) and p.provider == name)
        return next(found, None)


def authentication_settings() -> AuthenticationSettings:
    """This site's section `authentication`."""
    return settings.TILED.authentication
