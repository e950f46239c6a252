"""The marker by which a database and a storage recognize each other.

Both hold the same random id: the database in a row, the storage in a file or an object. Servers
that share a database but not the storage would each lose the data of the other, and a cleanup with
the wrong database would remove all data; so a server with a mismatch does not start.
"""

from __future__ import annotations

import time
import uuid

from django.db import connection

from core.program import program

from ..models import StorageMark
from .stores.interface import Mark
from .stores.site import storage

# In seconds: another server may have created the mark, and be about to write the row.
WAIT_SECONDS = 2.0


class ForeignStorage(Exception):
    """The storage belongs to another database. The text is one sentence for the administrator."""


def check_storage() -> None:
    """Raise ForeignStorage if storage and database do not match; mark both if neither is marked.

    Does nothing in a database that was not migrated. Raises OSError, StorageUnavailable.
    """
    if StorageMark._meta.db_table not in connection.introspection.table_names():
        return
    mark = storage().mark
    marked = mark.exists()
    if not marked and _row_or_none() is None:
        _refuse_foreign_data(mark)
    # The storage first: of servers that start together on one storage, one marks it.
    made: uuid.UUID | None = None
    if not marked:
        made = uuid.uuid4()
        made = made if mark.create(made) else None
    in_storage = mark.read()
    in_database = _row(made) if made else _wait_for_row()
    if in_database == in_storage:
        return
    if made:
        mark.remove()
    raise ForeignStorage(_sentence(mark, None if made else in_storage, in_database))


def adopt_storage() -> uuid.UUID:
    """Mark the storage and the database as belonging together.

    Raises OSError, StorageUnavailable.
    """
    mark = _row(uuid.uuid4())
    storage().mark.replace(mark)
    return mark


def _row(mark: uuid.UUID) -> uuid.UUID:
    row, _ = StorageMark.objects.get_or_create(pk=1, defaults={"mark": mark})
    return row.mark


def _row_or_none() -> uuid.UUID | None:
    return StorageMark.objects.filter(pk=1).values_list("mark", flat=True).first()


def _refuse_foreign_data(mark: Mark) -> None:
    """Raise ForeignStorage if there are data of nodes, none of which the database knows.

    Once marked, the storage would be cleaned up: data of nodes that are not in the database
    are removed.
    """
    if (found := mark.foreign()) is None:
        return
    raise ForeignStorage(
        f"{mark.place} has {found} and the database that database.uri names knows none of them: "
        "name the database that belongs to the storage, or an empty storage, or have these data "
        f"removed as left over, by running {program()} adopt_storage."
    )


def _wait_for_row() -> uuid.UUID | None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        if (mark := _row_or_none()) is not None:
            return mark
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)


def _sentence(mark: Mark, found: uuid.UUID | None, expected: uuid.UUID | None) -> str:
    setting, address = mark.place.partition(" ")[0], mark.address
    said = f"its mark {address} is {found}" if found else f"it has no mark {address}"
    other = f"that of the database is {expected}" if expected else "the database has none"
    return (
        f"{setting} does not belong to the database that database.uri names: {said}, and "
        f"{other}. Name the storage and the database that belong together, and one that all "
        "machines of a site share; if these do belong together, as after restoring a copy, run "
        f"{program()} adopt_storage."
    )
