"""The options of `manage.py serve`, as its parser has them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tiledproject.servers.serve_options import OPTIONS, add_options

from .markdown import code, table

# What an option is called in a file of settings.
SETTINGS = {
    "--host": "server.host",
    "--port": "server.port",
    "--workers": "server.workers",
    "--api-key": "authentication.single_user_api_key",
    "--public": "authentication.allow_anonymous_access",
    "--cache": "streaming_cache.uri",
    "--cache-data-ttl": "streaming_cache.data_ttl",
    "--cache-seq-ttl": "streaming_cache.seq_ttl",
    "--read": "storage.readable",
}


def options() -> Iterator[str]:
    """Return a row for each option."""
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    variables = {option: variable for option, variable, _, _ in OPTIONS}
    rows = []
    for action in parser._actions:
        name = action.option_strings[0]
        written = f"{name} {action.metavar}" if action.metavar else name
        setting = SETTINGS.get(name) or variables.get(name, "")
        rows.append([code(written), action.help or "", code(setting) if setting else ""])
    yield from table(["option", "what it does (default)", "setting"], rows)
