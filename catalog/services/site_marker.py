"""The marker by which a database and a storage directory recognize each other.

Both hold the same random id: the database in a row, the storage in a file. Servers that share a
database but not the storage would each lose the data of the other, and a cleanup with the wrong
database would remove all data; so a server with a mismatch does not start.
"""

from __future__ import annotations

import itertools
import time
import uuid
from contextlib import suppress
from pathlib import Path

from django.db import connection

from core.program import program

from ..config import storage_settings
from ..models import StorageMark
from .cleanup import BATCH, missing, node_folders

FILE = ".site"
# In seconds: another server may have created the file, and be about to write the row.
WAIT_SECONDS = 2.0


class ForeignStorage(Exception):
    """The storage belongs to another database. The text is one sentence for the administrator."""


def check_storage() -> None:
    """Raise ForeignStorage if storage and database do not match; mark both if neither is marked.

    Does nothing in a database that was not migrated. Raises OSError.
    """
    if StorageMark._meta.db_table not in connection.introspection.table_names():
        return
    file = _file()
    if not file.exists() and _row_or_none() is None:
        _refuse_foreign_folders(file)
    # The file first: of servers that start together on one folder, one creates it.
    made = None if file.exists() else _make(file, uuid.uuid4())
    in_storage = _read(file)
    in_database = _row(made) if made else _wait_for_row()
    if in_database == in_storage:
        return
    if made:
        file.unlink(missing_ok=True)
    raise ForeignStorage(_sentence(file, None if made else in_storage, in_database))


def adopt_storage() -> uuid.UUID:
    """Mark the storage and the database as belonging together. Raises OSError."""
    file = _file()
    draft = file.with_name(f"{FILE}.{uuid.uuid4().hex}")
    mark = _row(uuid.uuid4())
    _make(draft, mark)
    draft.replace(file)
    return mark


def _file() -> Path:
    return storage_settings().directory / FILE


def _make(file: Path, mark: uuid.UUID) -> uuid.UUID | None:
    """Write the mark to a new file; return None if another server was faster."""
    try:
        with file.open("x") as new:
            new.write(f"{mark}\n")
    except FileExistsError:
        return None
    return mark


def _read(file: Path) -> uuid.UUID | None:
    """Return the mark in the file; wait while another server is writing it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (text := file.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    with suppress(ValueError):
        return uuid.UUID(text)
    return None


def _row(mark: uuid.UUID) -> uuid.UUID:
    row, _ = StorageMark.objects.get_or_create(pk=1, defaults={"mark": mark})
    return row.mark


def _row_or_none() -> uuid.UUID | None:
    return StorageMark.objects.filter(pk=1).values_list("mark", flat=True).first()


def _refuse_foreign_folders(file: Path) -> None:
    """Raise ForeignStorage if there are folders of nodes, none of which the database knows.

    Once marked, the storage would be cleaned up: folders of nodes that are not in the database
    are removed.
    """
    folders = node_folders(file.parent)
    if (first := next(folders, None)) is None:
        return
    found = itertools.chain([first], folders)
    while some := list(itertools.islice(found, BATCH)):
        if len(missing(some)) < len(some):
            return
    raise ForeignStorage(
        f"storage.directory {file.parent} has folders of nodes, {first.hex} for one, and the "
        "database that database.uri names knows none of them: name the database that belongs to "
        "the folder, or an empty folder, or have these folders removed as left over, by running "
        f"{program()} adopt_storage."
    )


def _wait_for_row() -> uuid.UUID | None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        if (mark := _row_or_none()) is not None:
            return mark
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)


def _sentence(file: Path, found: uuid.UUID | None, expected: uuid.UUID | None) -> str:
    mark = f"its mark {file} is {found}" if found else f"it has no mark {file}"
    other = f"that of the database is {expected}" if expected else "the database has none"
    return (
        f"storage.directory does not belong to the database that database.uri names: {mark}, and "
        f"{other}. Name the folder and the database that belong together, and mount a folder that "
        "several machines share; if these do belong together, as after restoring a copy, run "
        f"{program()} adopt_storage."
    )
