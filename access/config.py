"""Settings of authentication and access policy: the section `authentication`."""

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
    """Whether permissions depend on the tags of nodes."""

    none = "none"
    tags = "tags"


class AuthenticationSettings(BaseModel):
    """Identity providers, API keys, tokens and access policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    single_user_api_key: str | None = Field(
        default=None,
        description="API key of the site: letters, digits and underscores. Default: a random key, "
        "generated at the first start and stored in the file `api_key` of the data directory. A "
        "site with `providers` has none.",
        examples=["3f0c9b7e51d24a8f"],
    )
    allow_anonymous_access: bool = Field(
        default=False,
        description="Whether clients may read and subscribe without credentials. Writing always "
        "requires credentials.",
        examples=["false"],
    )
    providers: list[Provider] = Field(
        default=[],
        description="Identity providers. With at least one, the site has user accounts, each with "
        "its own keys, and no site-wide key. See [Users and "
        "authentication](../how-to/give-people-access.md).",
        examples=["[{provider: local, kind: django}]"],
    )
    secret_keys: list[SecretStr] = Field(
        default=[],
        description="Secrets that tokens are signed with, each of at least 32 characters. The "
        "first signs, all of them verify: to rotate, put a new one first. Default: derived from "
        "`server.secret_key`.",
        examples=["[64 random characters]"],
    )
    access_token_max_age: int = Field(
        default=15 * 60,
        ge=1,
        le=10**9,
        description="Lifetime of an access token in seconds; it is then refreshed.",
        examples=["900"],
    )
    refresh_token_max_age: int = Field(
        default=7 * 86400,
        ge=1,
        le=10**9,
        description="Lifetime of a refresh token in seconds; each refresh issues a new one.",
        examples=["604800"],
    )
    session_max_age: int = Field(
        default=365 * 86400,
        ge=1,
        le=10**9,
        description="Maximum age of a login in seconds; the user then has to log in again, however "
        "often the tokens were refreshed.",
        examples=["31536000"],
    )
    browser_session_max_age: int = Field(
        default=12 * 3600,
        ge=60,
        le=10**9,
        description="Lifetime in seconds of a browser's login to the admin and the other pages.",
        examples=["43200"],
    )

    access_policy: AccessPolicy = Field(
        default=AccessPolicy.none,
        description="`none`: scopes apply to every node. `tags`: the scopes on a node, and whether "
        "it is visible, depend on its access tags.",
        examples=["tags"],
    )
    tags_of_new_nodes: Literal["owner", "parent"] = Field(
        default="owner",
        description="Access tags of a node that is created without any, with the access policy "
        "`tags`: `owner` gives it the tag of its creator; `parent` those of its container, if that "
        "has any.",
        examples=["parent"],
    )

    @field_validator("single_user_api_key")
    @classmethod
    def _alphanumeric(cls, key: str | None) -> str | None:
        # Clients do not recognize a key with other characters, and behave as if they had none.
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
        """The provider of Django's own passwords, if configured."""
        return next((p for p in self.providers if isinstance(p, DjangoProvider)), None)

    def oidc(self, name: str) -> OidcProvider | None:
        """Return the OpenID Connect provider with this name."""
        found = (p for p in self.providers if isinstance(p, OidcProvider) and p.provider == name)
        return next(found, None)


def authentication_settings() -> AuthenticationSettings:
    """Return this site's section `authentication`."""
    return settings.TILED.authentication
