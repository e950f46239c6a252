"""The access room as a Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Credentials, principals and scopes."""

    name = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Give each new user an account, and have what ends announced: keys, logins, accounts."""
        from django.conf import settings
        from django.db.models.signals import post_delete, post_save

        from . import accounts, api_keys, sessions
        from .models import Account, ApiKey, Session

        user = settings.AUTH_USER_MODEL
        post_save.connect(accounts.after_user_saved, user, dispatch_uid="access user saved")
        post_save.connect(accounts.after_account_saved, Account, dispatch_uid="access account")
        post_delete.connect(accounts.after_account_deleted, Account, dispatch_uid="access gone")
        post_delete.connect(api_keys.announce_deletion, ApiKey, dispatch_uid="access key")
        post_save.connect(sessions.after_saved, Session, dispatch_uid="access session saved")
        post_delete.connect(sessions.after_deleted, Session, dispatch_uid="access session gone")
