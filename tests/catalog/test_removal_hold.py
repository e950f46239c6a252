"""Files that a backup needs stay until it is over."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from django.db.models.functions import Now

from catalog.models import Node, RemovalHold
from catalog.services.cleanup import remove_orphaned_files, remove_orphaned_folders
from catalog.services.stores.folder.paths import node_folder
from catalog.services.stores.removal_hold import (
    HeldByAnother,
    HoldLost,
    hold_removals,
    removals_are_held,
)
from tests.buckets import in_folder

from .conftest import ARROW, Api, ipc

TABLE = pa.table({"a": [1, 2]})


def write(api: Api) -> None:
    assert api.send("PUT", "/table/full/t", ipc(TABLE), ARROW).status_code == 200


@in_folder
def test_files_stay_while_a_backup_is_running_and_the_cleanup_removes_them_later(
    api: Api,
) -> None:
    remove_orphaned_folders(min_age=0)
    api.array("x", np.arange(3))
    api.table("t", TABLE)
    write(api)
    array = node_folder(Node.objects.get(path="x").uuid)
    table = node_folder(Node.objects.get(path="t").uuid)
    before = set(table.glob("*.arrows"))
    with hold_removals():
        assert api.send("DELETE", "/metadata/x?external_only=false").status_code == 200
        write(api)
        assert (remove_orphaned_folders(min_age=0), remove_orphaned_files(min_age=0)) == (0, 0)
        assert array.is_dir()
        assert set(table.glob("*.arrows")) > before
        with pytest.raises(HeldByAnother), hold_removals():
            pass
    assert (remove_orphaned_folders(min_age=0), remove_orphaned_files(min_age=0)) == (1, 1)
    assert not array.exists()
    assert len(set(table.glob("*.arrows"))) == 1


def test_the_hold_of_a_process_that_was_killed_ends_with_its_lease(api: Api) -> None:
    with hold_removals() as hold:
        assert removals_are_held()
        hold.check()
        RemovalHold.objects.update(until=Now())
        assert not removals_are_held()
        with pytest.raises(HoldLost):
            hold.check()
        with hold_removals() as other:
            other.check()
            assert removals_are_held()
    assert not removals_are_held()
