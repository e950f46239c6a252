"""Names that a client may give to a table, for those who keep tables in SQL databases.

Ours are files, and need none. A name that no such database would take is refused all the same, so
that what is written here can be written elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Invalid

PARAMETER = "table_name"
NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_NAME_BYTES = 63
# Those of PostgreSQL, which reserves more than others.
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
    """Raise Invalid for parameters of a data source with a name that no table can have."""
    name = parameters.get(PARAMETER)
    if name is None:
        return
    if not isinstance(name, str) or len(name.encode()) > MAX_NAME_BYTES:
        raise Invalid(
            f"Invalid SQL identifier {name!r:.80}: a text of at most {MAX_NAME_BYTES} bytes."
        )
    if name in RESERVED:
        raise Invalid(f'Reserved SQL keywords are not allowed in identifiers, "{name}"')
    if NAME.fullmatch(name) is None:
        raise Invalid(f'Malformed SQL identifier "{name}"')


def check_column_names(names: Sequence[str]) -> None:
    """Raise Invalid for columns that no table of an SQL database could have.

    Such a database tells names apart without their case.
    """
    for name in names:
        if len(name.encode()) > MAX_NAME_BYTES:
            raise Invalid(
                f"Invalid SQL identifier {name!r:.80}: a text of at most {MAX_NAME_BYTES} bytes."
            )
        if COLUMN.fullmatch(name) is None:
            raise Invalid(f'Malformed SQL identifier "{name}"')
        if found := FORBIDDEN.search(name):
            raise Invalid(
                f'Invalid SQL identifier "{name}" contains forbidden character(s): {found[0]}'
            )
    if len({name.lower() for name in names}) < len(names):
        raise Invalid("Column names must be unique when converted to lower case.")
