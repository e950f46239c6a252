"""Django app configuration of the streams."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    """Connects the streams to the events of the catalog."""

    name = "streaming"

    def ready(self) -> None:
        """Connect the listeners, and register the admin panel."""
        from . import listeners, panels
        from .sockets.connections import permission_watch, revocation

        listeners.connect()
        revocation.connect()
        permission_watch.connect()
        panels.register_panel()
