"""Map the claims of an identity provider to accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import Unauthorized, Unavailable

from ..accounts.accounts import get_or_create_account
from ..models import Account, Identity
from ..providers import OidcProvider

NOT_IN_NAMES = re.compile(r"[^\w.@+-]")
MAX_IDENTIFIER_LENGTH = 255
MAX_USERNAME_LENGTH = 80
# Attempts, since concurrent first logins may choose the same name.
MAX_ATTEMPTS = 5


def get_or_create_identity(*, provider: OidcProvider, claims: Mapping[str, Any]) -> Identity:
    """Return the identity of `claims`; create a user at the first login, if the provider allows it.

    Raises Unauthorized if it does not, or if the claims have no identifier.
    """
    identifier = str(claims.get(provider.id_claim) or "")
    if not 0 < len(identifier) <= MAX_IDENTIFIER_LENGTH or "\0" in identifier:
        raise Unauthorized(f"{provider.provider} did not say who has logged in.")
    identity = _find(provider, identifier) or _first_login(provider, identifier, claims)
    account = identity.account
    if not account.active or account.user is None or not account.user.is_active:
        raise Unauthorized("This account is disabled.")
    Identity.objects.filter(pk=identity.pk).update(latest_login=timezone.now())
    return identity


def _find(provider: OidcProvider, identifier: str) -> Identity | None:
    found = Identity.objects.select_related("account__user")
    return found.filter(provider=provider.provider, identifier=identifier).first()


def _first_login(provider: OidcProvider, identifier: str, claims: Mapping[str, Any]) -> Identity:
    if not provider.create_users:
        raise Unauthorized(
            f"No user is linked to {identifier} at {provider.provider}. An administrator can add "
            "the identity to a user."
        )
    wanted = str(claims.get(provider.username_claim) or identifier)
    for _ in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                return Identity.objects.create(
                    account=_new_user(provider, wanted),
                    provider=provider.provider,
                    identifier=identifier,
                )
        except IntegrityError:
            # Created concurrently: the same person in another window, or another user of that name.
            identity = _find(provider, identifier)
            if identity is not None:
                return identity
    raise Unavailable("Too many users log in for the first time now. Try again later.")


def _new_user(provider: OidcProvider, wanted: str) -> Account:
    for name in _names(provider, wanted):
        if not User.objects.filter(username__iexact=name).exists():
            user = User.objects.create_user(name)
            return get_or_create_account(user)
    raise AssertionError("there is always another name")


def _names(provider: OidcProvider, wanted: str) -> Iterator[str]:
    """Yield candidate names for a new user, none of which impersonates an existing one.

    They are normalized as Django stores them, so that the comparison is exact.
    """
    name = NOT_IN_NAMES.sub("_", User.normalize_username(wanted))[:MAX_USERNAME_LENGTH]
    yield name
    yield f"{name.partition('@')[0]}@{provider.provider}"
    for number in count(2):
        yield f"{name.partition('@')[0]}{number}@{provider.provider}"
