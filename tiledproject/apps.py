"""The site as a Django app: its commands and its checks."""

from django.apps import AppConfig


class TiledProjectConfig(AppConfig):
    """Registers what `check --deploy` looks for, and what is private to the server."""

    name = "tiledproject"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and have no external file be one of the server's own."""
        from django.conf import settings

        from catalog.storage.external.uris import keep_private

        from .checks import register_checks
        from .folders import own_places

        register_checks()
        keep_private(own_places(settings.TILED))
