"""What a write is meant for is what the database says now."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.fields import StructureField, structure_from_text
from catalog.lookup.nodes import resolve
from catalog.lookup.write_targets import MAX_CACHED_CHUNKS, get_write_target, store_structure
from catalog.models import DataSource
from core.errors import NotFound
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

from .conftest import Api

FLOAT = ArrayStructure.from_array(np.zeros(1)).data_type
chunks = st.lists(
    st.one_of(
        st.lists(st.integers(0, 3), max_size=8),
        st.builds(lambda size, count, last: [size] * count + [last], *[st.integers(0, 5)] * 3),
    ),
    max_size=3,
)


@given(chunks, st.booleans())
def test_a_structure_comes_back_from_the_database_as_it_was(
    sizes: list[list[int]], named: bool
) -> None:
    from django.db import connection

    shape = tuple(map(sum, sizes))
    dims = tuple(f"d{n}" for n in range(len(sizes))) if named else None
    structure = ArrayStructure(FLOAT, shape, tuple(map(tuple, sizes)), dims)
    value = StructureField().get_db_prep_value(structure.to_json(), connection)
    text = value if isinstance(value, str) else value.dumps(value.obj)
    assert structure_from_text(StructureFamily.array, text) == structure
    assert ArrayStructure.from_json(StructureField().from_db_value(text, None, connection)) == (
        structure
    )


@pytest.mark.parametrize(
    ("family", "structure"),
    [
        (
            StructureFamily.sparse,
            SparseStructure(FLOAT, (7, 2), ((3, 3, 1), (2,))),
        ),
        (
            StructureFamily.ragged,
            RaggedStructure(FLOAT, (4, None, 2), 9, ((2, 2), None, (2,))),
        ),
        (StructureFamily.awkward, AwkwardStructure(3, {"class": "EmptyArray"})),
    ],
)
def test_structures_with_fewer_or_other_chunks_come_back_as_they_were(
    family: StructureFamily, structure: Structure
) -> None:
    from django.db import connection

    value = StructureField().get_db_prep_value(structure.to_json(), connection)
    text = value if isinstance(value, str) else value.dumps(value.obj)
    assert structure_from_text(family, text) == structure


def test_a_change_a_deletion_and_a_successor_are_seen_at_once(api: Api) -> None:
    api.array("x", np.zeros(3))
    before = get_write_target("/x//", StructureFamily.array)
    assert before.structure == resolve("x").structure
    grown = ArrayStructure.from_array(np.zeros(4))
    # As another process would: nothing of it is known here.
    DataSource.objects.update(structure=grown.to_json())
    assert get_write_target("x", StructureFamily.array).structure == grown
    assert api.send("DELETE", "/metadata/x?external_only=false").status_code == 200
    assert not store_structure(before, grown)
    with pytest.raises(NotFound, match="No such entry"):
        get_write_target("x", StructureFamily.array)
    api.array("x", np.zeros(5))
    after = get_write_target("x", StructureFamily.array)
    assert after.structure == resolve("x").structure
    assert after.ref.uuid != before.ref.uuid


def test_an_array_of_very_many_chunks_is_found_and_grows(api: Api) -> None:
    count = MAX_CACHED_CHUNKS + 5
    structure = ArrayStructure(FLOAT, (count,), ((1,) * count,))
    assert api.create("x", "array", structure).status_code == 200
    target = get_write_target("x", StructureFamily.array)
    assert target.structure == structure
    assert store_structure(target, structure.with_shape((count + 1,)))
    assert get_write_target("x", StructureFamily.array).structure == structure.with_shape(
        (count + 1,)
    )


def test_what_is_no_array_or_no_path_is_told(api: Api) -> None:
    api.container("c")
    with pytest.raises(NotFound, match="structure family container"):
        get_write_target("c", StructureFamily.array)
    with pytest.raises(NotFound):
        get_write_target("a\0b", StructureFamily.array)
