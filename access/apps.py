"""The access room as a Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Credentials, principals and scopes."""

    name = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have each deletion of a key announced."""
        from django.db.models.signals import post_delete

        from .api_keys import announce_deletion
        from .models import ApiKey

        post_delete.connect(announce_deletion, ApiKey, dispatch_uid="access announce_deletion")
