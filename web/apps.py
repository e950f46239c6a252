"""Django's description of this package."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The web page."""

    name = "web"
