"""The site as a Django app: its commands and its checks."""

from django.apps import AppConfig


class TiledProjectConfig(AppConfig):
    """Registers what `check --deploy` looks for."""

    name = "tiledproject"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks."""
        from .checks import register_checks

        register_checks()
