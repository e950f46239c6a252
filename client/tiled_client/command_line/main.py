"""The entry point: the group of commands, and exit codes for errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ..version import __version__
from . import accounts, api_keys, get, listing, profile_commands, put, watch
from .connection import selection_options
from .failures import exit_code_of, explain


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tiled-client")
@selection_options
@click.pass_context
def cli(context: click.Context, uri: str | None, profile: str | None, api_key: str | None) -> None:
    """Read, write and watch data on a Tiled server.

    The server is that of --uri, --profile, the environment variables TILED_URI or TILED_PROFILE, or
    the default profile. A TARGET is a path on the server, such as scans/42, or the URL of a node.

    Exit codes: 0 success, 1 other errors, 2 wrong usage, 3 not found, 4 not permitted, 5 no server
    answers, 6 the node or file exists, 130 interrupted.
    """
    context.obj = {"uri": uri, "profile": profile, "api_key": api_key}


for command in (
    accounts.login,
    accounts.logout,
    accounts.whoami,
    listing.tree,
    listing.ls,
    listing.info,
    get.get,
    put.put,
    watch.watch,
    profile_commands.profile,
    api_keys.api_key,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, and exit with its code; an error is one sentence on standard error."""
    try:
        cli.main(arguments, prog_name="tiled-client", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of a pipe has enough, as `head` has. Python would report it again at exit.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - a command ends with a sentence, not a traceback
        click.echo(f"Error: {explain(error)}", err=True)
        sys.exit(exit_code_of(error))
