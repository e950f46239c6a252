"""The options of `manage.py serve`, and the settings that they stand for."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from catalog.storage.bucket_files.paths import is_object_uri
from core.program import program

# option, setting, metavar, help
OPTIONS = [
    ("--host", "TILED_SERVER_HOST", "ADDRESS", "listen on this address (127.0.0.1)"),
    ("--port", "TILED_SERVER_PORT", "NUMBER", "listen on this port (8000); 0 takes a free one"),
    ("--workers", "TILED_SERVER_WORKERS", "NUMBER", "run this many worker processes"),
    ("--api-key", "TILED_SINGLE_USER_API_KEY", "KEY", "the API key (a random one, kept)"),
    ("--cache", "TILED_STREAMING_CACHE_URI", "URI", "the Redis to use (an embedded Valkey)"),
    ("--cache-data-ttl", "TILED_STREAMING_CACHE_DATA_TTL", "SECONDS", "retention of updates"),
    (
        "--cache-seq-ttl",
        "TILED_STREAMING_CACHE_SEQ_TTL",
        "SECONDS",
        "retention of sequence numbers",
    ),
    ("--config", "TILED_CONFIG", "FILE", "read settings from this YAML file"),
]
LABELS = {variable: option for option, variable, _, _ in OPTIONS}
LABELS["TILED_STORAGE_READABLE"] = "--read"
# The values of these options are, or contain, secrets.
SECRET_OPTIONS = ("TILED_SINGLE_USER_API_KEY", "TILED_STREAMING_CACHE_URI")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `serve` to `parser`."""
    for option, variable, takes, help_text in OPTIONS:
        parser.add_argument(option, dest=variable, metavar=takes, help=help_text)
    parser.add_argument(
        "--temp", action="store_true", help="keep everything in a new folder, removed at the end"
    )
    parser.add_argument("--public", action="store_true", help="allow reading without an API key")
    parser.add_argument(
        "--read",
        action="append",
        metavar="FOLDER",
        help="let external files be registered from this folder, or s3://BUCKET/PREFIX; may be "
        "repeated",
    )


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of `serve` in `arguments`; ignores Django's own."""
    parser = argparse.ArgumentParser(prog=f"{program()} serve", add_help=False, allow_abbrev=False)
    add_options(parser)
    return parser.parse_known_args(list(arguments))[0]


def options_to_environment(options: argparse.Namespace, temporary: str | None) -> dict[str, str]:
    """Return the environment variables of `options`; `temporary` is the directory of --temp."""
    given = {
        variable: value
        for _, variable, _, _ in OPTIONS
        if (value := getattr(options, variable)) is not None
    }
    if options.public:
        given["TILED_AUTHENTICATION_ALLOW_ANONYMOUS_ACCESS"] = "true"
    if options.read:
        given["TILED_STORAGE_READABLE"] = json.dumps(
            [p if is_object_uri(p) else str(Path(p).absolute()) for p in options.read]
        )
    if temporary is not None:
        given["TILED_SERVER_DATA_DIR"] = temporary
        given["TILED_DATABASE_URI"] = f"sqlite:///{os.path.join(temporary, 'catalog.db')}"
        given["TILED_STORAGE_DIRECTORY"] = os.path.join(temporary, "storage")
    return given
