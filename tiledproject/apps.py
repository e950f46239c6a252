"""The site as a Django app: its commands and its checks."""

from django.apps import AppConfig


class TiledProjectConfig(AppConfig):
    """Registers the checks of `check --deploy`; ends the start."""

    name = "tiledproject"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; by now the modules of all apps are imported."""
        from .checks import register_checks
        from .servers.garbage import resume_collection

        register_checks()
        resume_collection()
