"""Accounts of users, created with their users, and of services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from core.errors import NotFound

from ..events import AccountChanged, AccountDisabled, announce
from ..models import Account
from ..principals import Kind
from ..roles import Role


def get_or_create_account(user: User) -> Account:
    """Return the account of a user; create it if the user was saved without Django's signals."""
    account, _ = Account.objects.get_or_create(user=user, defaults={"kind": Kind.user})
    return account


def create_service(*, role: Role, note: str = "") -> Account:
    """Create an account for a program, which authenticates with its API keys only."""
    return Account.objects.create(kind=Kind.service, role=role, note=note)


def get_account(uuid: UUID) -> Account:
    """Return the account with this UUID. Raises NotFound."""
    account = Account.objects.select_related("user").filter(uuid=uuid).first()
    if account is None:
        raise NotFound(f"No such principal: {uuid.hex}")
    return account


def get_named_account(*, user: str | None, service: str | None) -> Account:
    """Return the account of a user by name, or of a service by UUID. Raises NotFound."""
    accounts = Account.objects.select_related("user")
    if user is not None:
        found = accounts.filter(user__username=user).first()
        if found is None:
            raise NotFound(f"There is no user {user!r}.")
        return found
    try:
        uuid = UUID(service or "")
    except ValueError:
        raise NotFound(f"{service!r} is not the UUID of a service.") from None
    found = accounts.filter(uuid=uuid, kind=Kind.service).first()
    if found is None:
        raise NotFound(f"There is no service {uuid}.")
    return found


def after_user_saved(
    *,
    instance: User,
    created: bool,
    raw: bool = False,
    update_fields: frozenset[str] | None = None,
    **_: Any,
) -> None:
    """Create an account for a new user; announce deactivation or changes of an existing one."""
    if raw:
        return
    account = get_or_create_account(instance)
    if created or update_fields == frozenset({"last_login"}):
        return
    if instance.is_active:
        _announce_changed(account.uuid)
    else:
        _announce_disabled(account.uuid)


def after_account_saved(*, instance: Account, created: bool, **_: Any) -> None:
    """Announce deactivation or changes of a service."""
    if created:
        return
    if instance.active:
        _announce_changed(instance.uuid)
    else:
        _announce_disabled(instance.uuid)


def after_account_deleted(*, instance: Account, **_: Any) -> None:
    """Announce that the account is disabled."""
    _announce_disabled(instance.uuid)


def _announce_changed(uuid: UUID) -> None:
    transaction.on_commit(lambda: announce(AccountChanged(uuid)), robust=True)


def _announce_disabled(uuid: UUID) -> None:
    transaction.on_commit(lambda: announce(AccountDisabled(uuid)), robust=True)
