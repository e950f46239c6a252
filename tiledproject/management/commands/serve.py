"""`manage.py serve`: the production server."""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from catalog.checks import SITE
from tiledproject.config.secrets import with_secrets
from tiledproject.config.settings_model import Settings, load
from tiledproject.logs.configuration import set_level
from tiledproject.postgresql.migration_lock import migration_lock
from tiledproject.servers.metrics_listener import listening
from tiledproject.servers.serve_options import add_options
from tiledproject.servers.startup_banner import start_line, startup_banner
from tiledproject.servers.workers import Supervisor, WorkersFailed, listen
from tiledproject.start_checks import refuse_settings, refuse_stored, refuse_to_start

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Prepares the database and runs the workers. Its options are settings by then."""

    # The others check the code, and take a tenth of the start.
    requires_system_checks = [SITE]
    help = "Serve in several worker processes until stopped. Options win over other settings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options, for the help text and for errors about wrong ones."""
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the server. Raises CommandError with one sentence if that is impossible."""
        site: Settings = settings.TILED
        server = site.server
        refuse_to_start(site, server.host)
        try:
            listener = listen(server.host, server.port)
        except OSError as error:
            raise CommandError(
                f"Nothing can listen on {server.host}:{server.port} ({error.strerror}); stop "
                "what does, or choose another --port or --host."
            ) from None
        with migration_lock():
            call_command("migrate", interactive=False, verbosity=0)
        refuse_stored(site)
        connection.close()
        port = listener.getsockname()[1]
        with listener, listening(site.metrics):
            try:
                Supervisor(listener, server).run(
                    lambda: self._greet(site, port),
                    lambda: check_reload(server.host),
                )
            except WorkersFailed:
                raise CommandError("A worker could not start; its error is above.") from None

    def _greet(self, site: Settings, port: int) -> None:
        logger.info(start_line(site, site.server.host, port))
        self.stdout.write(startup_banner(site, site.server.host, port))
        self.stdout.flush()


def check_reload(host: str) -> None:
    """Check the settings as they are now, and apply the log level. Raises ConfigError."""
    site = refuse_settings(with_secrets(load(os.environ)), host)
    set_level(site.server.log_level)
