"""The catalog as a Django app."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from .config import storage_settings
from .storage import external


class CatalogConfig(AppConfig):
    """Nodes, their structures and storage."""

    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the settings checked before a server starts, and make its formats of files known.

        Raises ImproperlyConfigured.
        """
        from . import checks  # noqa: F401

        try:
            external.register(*map(external.load, storage_settings().adapters))
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"storage.adapters: {error}") from error
