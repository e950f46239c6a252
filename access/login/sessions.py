"""Sessions (logins with a refresh token): create, look up, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.utils import timezone

from core.errors import BadRequest, NotFound

from ..config import authentication_settings
from ..events import SessionRevoked, announce
from ..models import Account, Session

MAX_SESSIONS = 200
# Rows that are removed at a time.
BATCH_ROWS = 500


def create_session(
    *, account: Account, provider: str, identifier: str, address: str = ""
) -> Session:
    """Create a session of `account`. Raises BadRequest at the limit of sessions."""
    now = timezone.now()
    with transaction.atomic():
        # Locked, so that concurrent logins are counted.
        Account.objects.select_for_update().get(pk=account.pk)
        account.sessions.filter(expires__lte=now).delete()
        if account.sessions.filter(revoked=False).count() >= MAX_SESSIONS:
            raise BadRequest(
                f"This account has {MAX_SESSIONS} sessions, the maximum. Log out of one "
                "of them first."
            )
        age = timedelta(seconds=authentication_settings().session_max_age)
        return Session.objects.create(
            account=account,
            provider=provider,
            identifier=identifier,
            address=address,
            time_created=now,
            latest_activity=now,
            expires=now + age,
        )


def get_active_session(uuid: UUID) -> Session | None:
    """Return the session with this UUID, if it can still be refreshed."""
    session = Session.objects.select_related("account__user").filter(uuid=uuid).first()
    if session is None or session.revoked or session.expires <= timezone.now():
        return None
    return session


def delete_expired() -> int:
    """Delete expired sessions and browser sessions; return their number."""
    now, removed = timezone.now(), 0
    while ids := list(
        Session.objects.filter(expires__lte=now).values_list("pk", flat=True)[:BATCH_ROWS]
    ):
        Session.objects.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed + BrowserSession.objects.filter(expire_date__lte=now).delete()[0]


def record_use(session: Session) -> None:
    """Record that a session was used."""
    Session.objects.filter(pk=session.pk).update(latest_activity=timezone.now())


def revoke_session(*, uuid: UUID, account: Account | None = None) -> None:
    """Revoke a session (of `account`, if given); idempotent. Raises NotFound."""
    owned = Session.objects.all() if account is None else Session.objects.filter(account=account)
    with transaction.atomic():
        session = owned.select_for_update().filter(uuid=uuid).first()
        if session is None:
            raise NotFound(f"No session {uuid.hex}")
        if not session.revoked:
            session.revoked = True
            session.save(update_fields=["revoked"])


def after_saved(*, instance: Session, created: bool, **_: Any) -> None:
    """Announce a session that was revoked."""
    if not created and instance.revoked:
        _announce(instance)


def after_deleted(*, instance: Session, **_: Any) -> None:
    """Announce a session that was deleted."""
    _announce(instance)


def _announce(session: Session) -> None:
    event = SessionRevoked(session.uuid)
    transaction.on_commit(lambda: announce(event), robust=True)
