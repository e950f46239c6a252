"""OAuth 2.0 device flow (RFC 8628): log in at a terminal with a browser elsewhere.

The terminal keeps a secret device code and shows a short user code. A user enters that in a browser
that is logged in, which approves the terminal. Source: docs/reference/tiled-protocol/http.md,
"External device flow".
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from core.errors import NotFound, TooMany, Unauthorized

from ..api_keys.store import hash_secret
from ..authentication.throttling import count_code_attempt, reset_code_attempts
from ..models import Identity, PendingLogin
from .password import Tokens, issue_tokens
from .sessions import create_session

# No vowels, which form words, and no letters that look like others.
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
CODE_LIFETIME = timedelta(minutes=15)
POLL_INTERVAL_SECONDS = 5
CODE_LIFETIME_SECONDS = int(CODE_LIFETIME.total_seconds())
MAX_PENDING_LOGINS = 1000
MAX_PENDING_LOGINS_PER_ADDRESS = 20
DEVICE_CODE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A login that waits for approval in a browser."""

    device_code: str
    user_code: str
    seconds: int


class AuthorizationPending(Exception):
    """The user code has not been entered yet."""


def start(*, provider: str, address: str) -> DeviceAuthorization:
    """Start a login: return the codes for a terminal. Raises TooMany."""
    now = timezone.now()
    PendingLogin.objects.filter(expires__lte=now).delete()
    waiting = PendingLogin.objects.all()
    if waiting.filter(address=address).count() >= MAX_PENDING_LOGINS_PER_ADDRESS:
        raise TooMany("Too many logins are in progress. Try again in a minute.", retry_after=60)
    if waiting.count() >= MAX_PENDING_LOGINS:
        _drop_one()
    device_code, user_code = secrets.token_hex(32), _user_code()
    PendingLogin.objects.create(
        hashed_device_code=hash_secret(device_code),
        user_code=user_code,
        provider=provider,
        address=address,
        expires=now + CODE_LIFETIME,
    )
    return DeviceAuthorization(device_code, user_code, CODE_LIFETIME_SECONDS)


def _drop_one() -> None:
    """Drop the oldest login of the address that has the most."""
    waiting = PendingLogin.objects.filter(account=None)
    most = waiting.values("address").annotate(count=Count("pk")).order_by("-count", "address")
    first = most.first()
    if first is None:
        return
    oldest = waiting.filter(address=first["address"]).order_by("expires").values("pk")[:1]
    PendingLogin.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()


def approve(*, user_code: str, identity: Identity) -> None:
    """Approve the terminal that shows `user_code`. Raises NotFound, TooMany."""
    who = identity.account.uuid.hex
    count_code_attempt(who)
    code = "".join(letter for letter in user_code.upper() if letter in USER_CODE_LETTERS)
    with transaction.atomic():
        found = PendingLogin.objects.select_for_update().filter(
            user_code=f"{code[:4]}-{code[4:]}",
            provider=identity.provider,
            account=None,
            expires__gt=timezone.now(),
        )
        updated = found.update(account=identity.account, identifier=identity.identifier)
    if not updated:
        raise NotFound("No terminal waits with this code. It may have been typed wrong, or be old.")
    reset_code_attempts(who)


def exchange(*, provider: str, device_code: str, address: str) -> Tokens:
    """Return the tokens for an approved terminal, once.

    Raises Unauthorized for a malformed code, NotFound for an unknown or expired one, and
    AuthorizationPending.
    """
    if DEVICE_CODE.fullmatch(device_code) is None:
        raise Unauthorized("Invalid device code")
    with transaction.atomic():
        found = PendingLogin.objects.select_for_update(of=("self",)).filter(
            hashed_device_code=hash_secret(device_code),
            provider=provider,
            expires__gt=timezone.now(),
        )
        pending = found.select_related("account").first()
        if pending is None:
            raise NotFound("No such device code; it may have expired.")
        if pending.account is None:
            raise AuthorizationPending
        pending.delete()
        session = create_session(
            account=pending.account,
            provider=provider,
            identifier=pending.identifier,
            address=address,
        )
        return issue_tokens(session)


def _user_code() -> str:
    letters = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
