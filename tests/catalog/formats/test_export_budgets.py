"""What exports take of the budgets of the process: as they grow, and with a share per address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.conf import LazySettings

from catalog.formats.exports import Export
from catalog.formats.registry import formats
from catalog.services.tables.reading import RowSelection
from core.budgets import Exhausted, budgets

from ..conftest import Api, detail

HDF5 = "application/x-hdf5"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE = pa.table({"n": np.arange(2_000)})

Change = Callable[..., None]


@pytest.fixture
def change(settings: LazySettings) -> Iterator[Change]:
    """Change limits of this process."""

    def changed(**limits: int) -> None:
        found = settings.TILED.budgets.model_copy(update=limits)
        settings.TILED = settings.TILED.model_copy(update={"budgets": found})
        budgets.cache_clear()

    yield changed
    budgets.cache_clear()


@pytest.mark.parametrize("media_type", [HDF5, XLSX])
def test_a_file_is_counted_while_it_grows(media_type: str, change: Change) -> None:
    change(temporary_bytes=2 << 20)
    held: list[int] = []

    def pieces() -> Iterator[pa.Table]:
        for _ in range(200):
            held.append(budgets().temporary_bytes.used)
            yield PIECE

    rows = RowSelection(PIECE.schema, lambda: PIECE, pieces)
    with pytest.raises(Exhausted, match=r"budgets\.temporary_bytes"):
        list(formats().exporter("table", media_type)(Export(rows, media_type)))
    # HDF5 is preceded by a look at all pieces.
    first, *grown = sorted(set(held))
    assert (first, held) == (0, sorted(held))
    assert 1 < len(grown) < 200
    assert budgets().temporary_bytes.used == budgets().exports.used == 0


def test_a_container_is_not_exported_without_what_there_is_no_room_for(
    api: Api, change: Change
) -> None:
    api.container("c")
    api.array("c/x", np.zeros(1 << 17))
    change(temporary_bytes=1 << 19)
    refused = api.get("/container/full/c?format=hdf5")
    assert (refused.status_code, "budgets.temporary_bytes" in detail(refused)) == (503, True)


def test_an_address_has_half_of_the_exports_at_most(change: Change) -> None:
    change(exports=4)

    def begun(address: str) -> Any:
        export = Export(np.zeros(1), HDF5, key="x", address=address)
        pieces = iter(formats().exporter("array", HDF5)(export))
        next(pieces)
        return pieces

    read = [begun("a"), begun("a")]
    with pytest.raises(Exhausted, match=r"for this address .*budgets\.exports"):
        begun("a")
    read.append(begun("b"))
    for pieces in read:
        pieces.close()
    assert begun("a") is not None
