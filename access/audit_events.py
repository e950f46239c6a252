"""Write logins, keys, accounts and permissions to the audit log, from the signals of the models.

Signals see every way to change a row: the API, the admin and commands. An event is written when its
transaction is committed, with the principal of the request that caused it. Deletions are described
before they happen, while the rows that a deleted one refers to still exist.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models.signals import post_save, pre_delete

from core.audit import audit

from .models import Account, ApiKey, Grant, KeyHolder, Session, Tag

ADMIN_ACTIONS = {ADDITION: "added", CHANGE: "changed", DELETION: "deleted"}
LAST_LOGIN = frozenset({"last_login"})


def connect() -> None:
    """Connect the listeners to the signals of Django and of the models."""
    user_logged_in.connect(_logged_in, dispatch_uid="audit login")
    user_logged_out.connect(_logged_out, dispatch_uid="audit logout")
    user_login_failed.connect(_login_failed, dispatch_uid="audit failed login")
    for user in (get_user_model(), KeyHolder):
        post_save.connect(_user_saved, user, dispatch_uid=f"audit {user} saved")
        pre_delete.connect(_user_deleted, user, dispatch_uid=f"audit {user} deleted")
    for model, saved, deleted in (
        (Account, _account_saved, _account_deleted),
        (ApiKey, _key_saved, _key_deleted),
        (Grant, _grant_saved, _grant_deleted),
        (Tag, _tag_saved, _tag_deleted),
    ):
        post_save.connect(saved, model, dispatch_uid=f"audit {model} saved")
        pre_delete.connect(deleted, model, dispatch_uid=f"audit {model} deleted")
    post_save.connect(_session_saved, Session, dispatch_uid="audit session")
    post_save.connect(_admin_changed, LogEntry, dispatch_uid="audit admin")


def _commit(event: str, **details: Any) -> None:
    transaction.on_commit(partial(audit, event, **details), robust=True)


def _logged_in(*, user: User, **_: Any) -> None:
    audit("login", principal=_name(user), method="browser")


def _logged_out(*, user: User | None, **_: Any) -> None:
    if user is not None:
        audit("logout", principal=_name(user))


def _login_failed(*, credentials: dict[str, Any], **_: Any) -> None:
    audit("login_failed", user=str(credentials.get("username", ""))[:150])


def _session_saved(*, instance: Session, created: bool, **_: Any) -> None:
    details = {"session": str(instance.uuid), "provider": instance.provider}
    if created:
        _commit("login", principal=str(instance.account), method="token", **details)
    elif instance.revoked:
        _commit("session_revoked", account=str(instance.account), **details)


def _user_saved(
    *, instance: User, created: bool, update_fields: frozenset[str] | None = None, **_: Any
) -> None:
    if update_fields == LAST_LOGIN:
        return
    _commit(
        "user_created" if created else "user_changed",
        user=instance.get_username(),
        active=instance.is_active,
        staff=instance.is_staff,
        superuser=instance.is_superuser,
    )


def _user_deleted(*, instance: User, **_: Any) -> None:
    _commit("user_deleted", user=instance.get_username())


def _account_saved(*, instance: Account, created: bool, **_: Any) -> None:
    _commit(
        "account_created" if created else "account_changed",
        account=str(instance),
        uuid=str(instance.uuid),
        role=str(instance.role),
        active=instance.active,
    )


def _account_deleted(*, instance: Account, **_: Any) -> None:
    _commit("account_deleted", account=str(instance), uuid=str(instance.uuid))


def _key_saved(*, instance: ApiKey, created: bool, **_: Any) -> None:
    if created:
        _commit("key_created", **_key(instance))


def _key_deleted(*, instance: ApiKey, **_: Any) -> None:
    _commit("key_revoked", **_key(instance))


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "key": key.first_eight,
        "key_id": key.pk,
        "owner": str(key.owner) if key.owner else None,
        "scopes": list(key.scopes),
        "access_tags": key.access_tags,
        "expires": key.expires.isoformat() if key.expires else None,
        "note": key.note or None,
    }


def _grant_saved(*, instance: Grant, **_: Any) -> None:
    _commit(
        "permission_granted",
        tag=instance.tag.name,
        holder=instance.holder,
        scopes=list(instance.scopes),
        may_apply=instance.may_apply,
    )


def _grant_deleted(*, instance: Grant, **_: Any) -> None:
    _commit("permission_revoked", tag=instance.tag.name, holder=instance.holder)


def _tag_saved(*, instance: Tag, created: bool, **_: Any) -> None:
    _commit("tag_created" if created else "tag_changed", tag=instance.name)


def _tag_deleted(*, instance: Tag, **_: Any) -> None:
    _commit("tag_deleted", tag=instance.name)


def _admin_changed(*, instance: LogEntry, **_: Any) -> None:
    _commit(
        "admin_change",
        principal=_name(instance.user),
        action=ADMIN_ACTIONS.get(instance.action_flag, str(instance.action_flag)),
        model=str(instance.content_type) if instance.content_type else None,
        object=instance.object_repr,
        change=instance.get_change_message() or None,
    )


def _name(user: User) -> str:
    return f"user:{user.get_username()}"
