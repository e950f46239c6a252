"""The command line: Django's commands, and those of this server.

`manage.py` in a checkout and `tiled-stream` of an installed server are the same.
"""

from __future__ import annotations

import os
import signal
import sys

from .servers.garbage import pause_collection

VERSION_OPTIONS = ("--version", "version")
CONFIG_COMMANDS = ("check-config", "show-config")


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
    if sys.argv[1:2] and not sys.argv[1].startswith("-"):
        sys.argv[1] = sys.argv[1].replace("-", "_")  # `import-tiled` is a module's name in Python
    command, *arguments = sys.argv[1:] or [""]
    if command in VERSION_OPTIONS:
        print(f"{PRODUCT} {VERSION}")
        return
    if command.replace("_", "-") in CONFIG_COMMANDS:
        sys.exit(_run_config_command(command.replace("_", "-"), arguments))
    try:
        with command_environment(sys.argv[1:], os.environ):
            execute_from_command_line(sys.argv)
    except (ConfigError, EmbeddedValkeyError) as error:
        sys.exit(str(error))


def _run_config_command(command: str, arguments: list[str]) -> int:
    from .config_commands.check_config import check_config
    from .config_commands.show_config import show_config

    # `show-config | head` ends it without a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    return (check_config if command == "check-config" else show_config)(arguments)
