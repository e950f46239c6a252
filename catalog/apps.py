"""The catalog as a Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Nodes, their structures and storage."""

    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the settings of this room checked before a server starts."""
        from . import checks  # noqa: F401
