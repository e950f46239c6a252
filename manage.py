#!/usr/bin/env python
"""Django's entry point."""

import os
import sys


def main() -> None:
    """Run the command that the arguments name; a wrong setting ends it with one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiledproject.settings")
    try:
        from django.core.management import execute_from_command_line

        from streaming.redis.embedded_valkey import EmbeddedValkeyError
        from tiledproject.config.errors import ConfigError
        from tiledproject.servers.launch import command_environment
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: install the requirements first, pip install -r requirements.txt.")
    try:
        with command_environment(sys.argv[1:], os.environ):
            execute_from_command_line(sys.argv)
    except (ConfigError, EmbeddedValkeyError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
