"""Settings of identity providers, by kind."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECURE = ("https://", "http://localhost", "http://127.0.0.1", "http://[::1]")


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(description="Name of the provider, in clients and in URLs.")
    confirmation_message: str | None = Field(
        default=None,
        description="Message that clients print after a login; `{id}` is the name of the user.",
    )

    @field_validator("provider")
    @classmethod
    def _in_addresses(cls, name: str) -> str:
        if NAME.fullmatch(name) is None:
            raise ValueError("has a provider whose name is not made of letters, digits, - and _")
        return name


class DjangoProvider(_Provider):
    """Users of this site, with passwords that Django keeps."""

    kind: Literal["django"]


class OidcProvider(_Provider):
    """An OpenID Connect provider, where users log in with a browser."""

    kind: Literal["oidc"]
    issuer: str = Field(description="Issuer URL, without `/.well-known/openid-configuration`.")
    client_id: str = Field(min_length=1, description="Client ID of this site at the provider.")
    client_secret: SecretStr | None = Field(
        default=None, description="Client secret of this site; none for a public client."
    )
    scopes: tuple[str, ...] = Field(
        default=("openid", "profile", "email"), description="Scopes to request."
    )
    id_claim: str = Field(default="sub", description="Claim that identifies a user permanently.")
    username_claim: str = Field(
        default="preferred_username",
        description="Claim with the user name of a new account, at the first login.",
    )
    create_users: bool = Field(
        default=True,
        description="Whether the first login creates a user. Otherwise only users whose identity "
        "was entered in the admin can log in.",
    )

    @field_validator("issuer")
    @classmethod
    def _over_tls(cls, issuer: str) -> str:
        if not issuer.startswith(SECURE):
            raise ValueError("has an issuer that is not reached by https://")
        return issuer.rstrip("/")

    @field_validator("scopes")
    @classmethod
    def _openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        return scopes if "openid" in scopes else ("openid", *scopes)


Provider = Annotated[DjangoProvider | OidcProvider, Field(discriminator="kind")]
