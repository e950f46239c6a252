"""`manage.py runserver`: the development server, Daphne with back-pressure."""

from __future__ import annotations

from typing import Any

from daphne.management.commands.runserver import Command as DaphneCommand
from daphne.management.commands.runserver import get_default_application
from django.conf import settings

from tiledproject.servers.daphne_server import BackpressureServer
from tiledproject.start_checks import refuse_stored, refuse_to_start


class Command(DaphneCommand):
    """Daphne's command with the server class and the start-up checks of this site."""

    server_cls = BackpressureServer

    def get_application(self, options: dict[str, Any]) -> Any:
        """Return the site's application without additions.

        In debug mode Daphne's command would put Django's handler of static files before it, which
        takes in a body of any size.
        """
        return get_default_application()

    def run(self, **options: Any) -> None:
        """Run the server with reloading. Raises ConfigError if the checks fail."""
        refuse_to_start(settings.TILED, self.addr)
        refuse_stored(settings.TILED)
        super().run(**options)
