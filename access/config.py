"""Settings of who may do what: the section `authentication`."""

from __future__ import annotations

import re

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, field_validator

KEY = re.compile(r"[A-Za-z0-9_]+")


class AuthenticationSettings(BaseModel):
    """How a client proves that it may write, and whether it must prove anything to read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    single_user_api_key: str | None = Field(
        default=None,
        description="The API key of the site: letters, digits and underscores. Left out, a random "
        "one is made at the first start and kept in the file `api_key` of the data folder.",
        examples=["3f0c9b7e51d24a8f"],
    )
    allow_anonymous_access: bool = Field(
        default=False,
        description="Whether anyone may read without a key. Writing always takes the key.",
        examples=["false"],
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


def authentication_settings() -> AuthenticationSettings:
    """This site's section `authentication`."""
    return settings.TILED.authentication
