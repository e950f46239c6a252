"""Files of chunks that were written and got lost: an error for who needs them, never zeros."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from catalog.models import Node
from catalog.services.stores.folder.paths import node_folder
from tests.buckets import in_folder
from tiled_client.wire.structures import ArrayStructure

from ..conftest import OCTETS, Api, detail

# A row is a chunk.
ROWS = np.arange(4 * 1024, dtype="f8").reshape(4, 1024) + 1


def whole(api: Api) -> None:
    assert api.create("x", "array", in_rows(ROWS)).status_code == 200
    assert api.send("PUT", "/array/full/x", ROWS.tobytes(), OCTETS).status_code == 200


def grown(api: Api) -> None:
    assert api.create("x", "array", ArrayStructure.from_array(ROWS[:0])).status_code == 200
    for row in range(4):
        address = f"/array/full/x?offset={row},0&shape=1,1024&extend=true"
        body = ROWS[row].tobytes()
        assert api.send("PATCH", address, body, OCTETS).status_code == 200


def by_blocks(api: Api) -> None:
    assert api.create("x", "array", in_rows(ROWS)).status_code == 200
    for row in (3, 0, 1):
        address = f"/array/block/x?block={row},0"
        assert api.send("PUT", address, ROWS[row].tobytes(), OCTETS).status_code == 200


def in_rows(array: np.ndarray[Any, Any]) -> ArrayStructure:
    described = ArrayStructure.from_array(array)
    return ArrayStructure(described.data_type, array.shape, ((1,) * len(array), (1024,)))


@in_folder
@pytest.mark.parametrize("write", [whole, grown, by_blocks])
def test_a_lost_chunk_is_410_and_the_others_are_read(
    api: Api, write: Callable[[Api], None]
) -> None:
    write(api)
    folder = node_folder(Node.objects.get(path="x").uuid)
    os.unlink(folder / "c/1/0")
    for address in (
        "/array/full/x?format=json",
        "/array/full/x?format=csv",
        "/array/full/x?format=hdf5",
        f"/array/full/x?format={OCTETS}",
        f"/array/full/x?format={OCTETS}&slice=::1,5",
        f"/array/full/x?format={OCTETS}&slice=1:2",
        f"/array/block/x?format={OCTETS}&block=1,0",
    ):
        response = api.get(address)
        assert response.status_code == 410, address
        assert "c/1/0" in detail(response)
    assert (api.read("/array/full/x?slice=::3,:", "f8").reshape(2, -1) == ROWS[::3]).all()
    unwritten = write is by_blocks
    assert api.read("/array/full/x?slice=2,3", "f8").tolist() == [0 if unwritten else ROWS[2, 3]]

    patch = "/array/full/x?offset=1,0&shape=1,3"
    assert api.send("PATCH", patch, ROWS[0, :3].tobytes(), OCTETS).status_code == 410
    patch = "/array/full/x?offset=1,0&shape=1,1024"
    assert api.send("PATCH", patch, ROWS[1].tobytes(), OCTETS).status_code == 200
    assert (api.read("/array/full/x?slice=:2,:", "f8").reshape(2, -1) == ROWS[:2]).all()
