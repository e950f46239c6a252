"""The site as a Django app: its commands, and the manners of its development server."""

from django.apps import AppConfig


class TiledProjectConfig(AppConfig):
    """Makes `runserver` use the Daphne that waits for slow readers."""

    name = "tiledproject"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Give `runserver` its server class, and `check --deploy` what to look for."""
        from .checks import register_checks

        register_checks()
        # Daphne's server installs a Twisted reactor when imported, which only its users want.
        from daphne.management.commands.runserver import Command, get_default_application

        from .daphne_server import PatientServer

        Command.server_cls = PatientServer
        # In debug mode it would put Django's handler of static files before the application, which
        # takes in a body of any size.
        Command.get_application = lambda self, options: get_default_application()
