"""Accounts: of users, who get theirs with them, and of services."""

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
    """The account of a user; made, where the user was made in some way that tells nobody."""
    account, _ = Account.objects.get_or_create(user=user, defaults={"kind": Kind.user})
    return account


def create_service(*, role: Role, note: str = "") -> Account:
    """An account that no person logs in to; it opens what its keys do."""
    return Account.objects.create(kind=Kind.service, role=role, note=note)


def get_account(uuid: UUID) -> Account:
    """The account with this uuid. Raises NotFound."""
    account = Account.objects.select_related("user").filter(uuid=uuid).first()
    if account is None:
        raise NotFound(f"No such principal: {uuid.hex}")
    return account


def get_named_account(*, user: str | None, service: str | None) -> Account:
    """The account of a user by their name, or of a service by its uuid. Raises NotFound."""
    accounts = Account.objects.select_related("user")
    if user is not None:
        found = accounts.filter(user__username=user).first()
        if found is None:
            raise NotFound(f"There is no user {user!r}.")
        return found
    try:
        uuid = UUID(service or "")
    except ValueError:
        raise NotFound(f"{service!r} is no UUID of a service.") from None
    return get_account(uuid)


def after_user_saved(
    *,
    instance: User,
    created: bool,
    raw: bool = False,
    update_fields: frozenset[str] | None = None,
    **_: Any,
) -> None:
    """A new user has an account; who was barred is sent away, who is changed told of."""
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
    """A service that was barred is sent away, and one that is changed told of."""
    if created:
        return
    if instance.active:
        _announce_changed(instance.uuid)
    else:
        _announce_disabled(instance.uuid)


def after_account_deleted(*, instance: Account, **_: Any) -> None:
    """Whoever is gone is sent away."""
    _announce_disabled(instance.uuid)


def _announce_changed(uuid: UUID) -> None:
    transaction.on_commit(lambda: announce(AccountChanged(uuid)), robust=True)


def _announce_disabled(uuid: UUID) -> None:
    transaction.on_commit(lambda: announce(AccountDisabled(uuid)), robust=True)
