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

        from streaming.redis.embedded_valkey import EmbeddedValkeyError
        from tiled_client.version import __version__
        from tiledproject.config.errors import ConfigError
        from tiledproject.servers.launch import command_environment
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: install the requirements first, pip install -r requirements.txt.")
    if sys.argv[1:2] and not sys.argv[1].startswith("-"):
        sys.argv[1] = sys.argv[1].replace("-", "_")  # `import-tiled` is a module's name in Python
    if sys.argv[1:2] and sys.argv[1] in VERSION_OPTIONS:
        print(f"tiled-stream {__version__}")
        return
    try:
        with command_environment(sys.argv[1:], os.environ):
            execute_from_command_line(sys.argv)
    except (ConfigError, EmbeddedValkeyError) as error:
        sys.exit(str(error))
