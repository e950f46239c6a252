"""The command line: Django's commands, and those of this server.

`manage.py` in a checkout and `tiled-stream` of an installed server are the same.
"""

from __future__ import annotations

import os
import sys

from .servers.garbage import pause_collection

VERSION_OPTIONS = ("--version", "version")


def main() -> None:
    """Run the command that the arguments name; a wrong setting ends it with one sentence."""
    pause_collection()  # until all apps are loaded
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiledproject.settings")
    try:
        from django.core.management import execute_from_command_line

        from core.version import PRODUCT, VERSION
        from streaming.redis.embedded_valkey import EmbeddedValkeyError
        from tiledproject.config.errors import ConfigError
        from tiledproject.servers.launch import command_environment
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: install the requirements first, pip install -r requirements.txt.")
    if sys.argv[1:2] and sys.argv[1] in VERSION_OPTIONS:
        print(f"{PRODUCT} {VERSION}")
        return
    try:
        with command_environment(sys.argv[1:], os.environ):
            execute_from_command_line(sys.argv)
    except (ConfigError, EmbeddedValkeyError) as error:
        sys.exit(str(error))
