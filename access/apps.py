"""The access room as a Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Credentials, principals and scopes."""

    name = "access"
    default_auto_field = "django.db.models.BigAutoField"
