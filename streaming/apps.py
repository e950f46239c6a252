"""Django app of the live streams."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    """Connect streaming to the events of access and catalog when Django starts."""

    name = "streaming"

    def ready(self) -> None:
        """Connect the signal handlers, and register the admin panel."""
        from . import listeners, panels, site_metrics  # noqa: F401  registers its sources
        from .sockets.connections import permission_watch, revocation

        listeners.connect()
        revocation.connect()
        permission_watch.connect()
        panels.register_panel()
