"""Check names against the rules of SQL databases.

Tables are stored as files here, which need no such names. Names that no SQL database accepts are
rejected nevertheless, so that data written here can be written elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Invalid

PARAMETER = "table_name"
NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_NAME_BYTES = 63
# The reserved words of PostgreSQL, which has more than others.
COLUMN = re.compile(r"[a-zA-Z_].*", re.DOTALL)
FORBIDDEN = re.compile(r"['\"`;\\%()=+]|--|/\*|\*/")
RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create current_catalog current_date current_role current_time current_timestamp
    current_user default deferrable desc distinct do else end except false fetch for foreign from
    grant group having in initially intersect into lateral leading limit localtime localtimestamp
    not null offset on only or order placing primary references returning select session_user some
    symmetric table then to trailing true union unique user using variadic when where window with
    """.split()
)


def check_table_name(parameters: Mapping[str, Any]) -> None:
    """Raise Invalid if a data source's parameters hold an invalid table name."""
    name = parameters.get(PARAMETER)
    if name is None:
        return
    if not isinstance(name, str) or len(name.encode()) > MAX_NAME_BYTES:
        raise Invalid(
            f"Invalid SQL identifier {name!r:.80}: it must be a string of at most "
            f"{MAX_NAME_BYTES} bytes."
        )
    if name in RESERVED:
        raise Invalid(f'Reserved SQL keywords are not allowed in identifiers, "{name}"')
    if NAME.fullmatch(name) is None:
        raise Invalid(f'Malformed SQL identifier "{name}"')


def check_column_names(names: Sequence[str]) -> None:
    """Raise Invalid for column names that no SQL table could have.

    SQL databases compare names without case.
    """
    for name in names:
        if len(name.encode()) > MAX_NAME_BYTES:
            raise Invalid(
                f"Invalid SQL identifier {name!r:.80}: it must be a string of at most "
                f"{MAX_NAME_BYTES} bytes."
            )
        if COLUMN.fullmatch(name) is None:
            raise Invalid(f'Malformed SQL identifier "{name}"')
        if found := FORBIDDEN.search(name):
            raise Invalid(
                f'Invalid SQL identifier "{name}" contains forbidden character(s): {found[0]}'
            )
    if len({name.lower() for name in names}) < len(names):
        raise Invalid("Column names must be unique when converted to lower case.")
