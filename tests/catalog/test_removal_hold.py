"""Files that a backup needs stay until it is over."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from catalog.config import storage_settings
from catalog.locks.removal_hold import HeldByAnother, hold_removals
from catalog.models import Node
from catalog.services.cleanup import remove_orphaned_files, remove_orphaned_folders
from catalog.services.stores.folder.paths import node_folder
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
    assert (storage_settings().directory / ".hold").exists()
