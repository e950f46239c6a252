"""`show-config [FILE]`: the effective settings as YAML, each with its origin, without secrets."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from core.program import program

from ..config.errors import Origins
from ..config.secret_fields import SECRETS
from ..config.settings_model import Settings, read
from ..logs.formats import HIDDEN, redact
from .check_config import use_file

COMMENT_COLUMN = 48
# Secrets in settings that have further settings in them.
HIDDEN_KEYS = {"client_secret", "secret_access_key"}


def show_config(arguments: list[str]) -> int:
    """Print the settings; return the exit status, 1 if one is wrong."""
    parser = argparse.ArgumentParser(
        prog=f"{program()} show-config",
        description="Print all settings that a server would use, as YAML, with the origin of each. "
        "Keys and passwords are replaced by asterisks.",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="a YAML file ($TILED_CONFIG)")
    use_file(parser.parse_args(arguments).file)
    reading = read(os.environ)
    if reading.settings is None:
        for sentence in reading.problems:
            print(sentence, file=sys.stderr)
        return 1
    for line in lines(reading.settings, reading.origins):
        print(line)
    return 0


def lines(settings: Settings, origins: Origins) -> Iterator[str]:
    """Yield the lines of the YAML document."""
    for section, fields in settings.model_dump(mode="json").items():
        yield f"{section}:"
        for field, value in fields.items():
            name = (section, field)
            written = yaml.safe_dump(
                {field: _shown(name, value)}, default_flow_style=False, width=1 << 16
            )
            first, *more = written.rstrip("\n").split("\n")
            comment = origins.get(name, "default")
            yield f"  {first}".ljust(COMMENT_COLUMN) + f"  # {comment}"
            yield from (f"  {line}" for line in more)


def _shown(name: tuple[str, str], value: Any) -> Any:
    if name in SECRETS:
        return HIDDEN if value else value
    return _without_passwords(value)


def _without_passwords(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if key in HIDDEN_KEYS and item else _without_passwords(item)
            for key, item in value.items()
        }
    return value
