"""Django app configuration of core: the frame of pages, and the design that they share."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Templates and static files of the site's pages."""

    name = "core"
