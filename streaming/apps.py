"""The streams as a Django app."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    """Listens to the catalog from the start."""

    name = "streaming"

    def ready(self) -> None:
        """Connect the listeners, and show the streams in the admin."""
        from . import listeners, panels
        from .sockets.connections import permission_watch, revocation

        listeners.connect()
        revocation.connect()
        permission_watch.connect()
        panels.register_panel()
