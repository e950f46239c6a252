"""The streams as a Django app."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    """Listens to the catalog from the start."""

    name = "streaming"

    def ready(self) -> None:
        """Connect the listeners."""
        from . import listeners

        listeners.connect()
