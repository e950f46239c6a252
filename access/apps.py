"""Django app configuration of access."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Credentials, principals and scopes."""

    name = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signals that create accounts and announce revocations."""
        from django.conf import settings
        from django.contrib.auth import get_user_model
        from django.db.models.signals import m2m_changed, post_delete, post_save

        from . import audit_events
        from .accounts import accounts
        from .api_keys import store
        from .login import sessions
        from .models import Account, ApiKey, Grant, KeyHolder, Session, Tag
        from .permissions import tag_permissions

        for user in (settings.AUTH_USER_MODEL, KeyHolder):
            uid = f"access {user} saved"
            post_save.connect(accounts.after_user_saved, user, dispatch_uid=uid)
        post_save.connect(accounts.after_account_saved, Account, dispatch_uid="access account")
        post_delete.connect(accounts.after_account_deleted, Account, dispatch_uid="access gone")
        post_delete.connect(store.announce_deletion, ApiKey, dispatch_uid="access key")
        post_save.connect(sessions.after_saved, Session, dispatch_uid="access session saved")
        post_delete.connect(sessions.after_deleted, Session, dispatch_uid="access session gone")
        for model in (Tag, Grant):
            post_save.connect(
                tag_permissions.after_change, model, dispatch_uid=f"access {model} saved"
            )
            post_delete.connect(
                tag_permissions.after_change, model, dispatch_uid=f"access {model} gone"
            )
        audit_events.connect()
        members = get_user_model().groups.through
        m2m_changed.connect(tag_permissions.after_change, members, dispatch_uid="access members")
