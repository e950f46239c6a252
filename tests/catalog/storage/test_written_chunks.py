"""A chunk that was written and is lost is an error for reads that need it, and for no others."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.storage.arrays import ArrayStore
from catalog.storage.chunks import files as chunk_files
from catalog.storage.chunks import written_marks
from catalog.storage.encoding import Encoding
from catalog.storage.errors import MissingFile
from catalog.storage.layout import Layout, read_layout
from tests.catalog.storage.strategies import noise, selections
from tests.catalog.storage.test_arrays import fresh, same
from tiled_client.wire.structures import ArrayStructure

SMALL = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# One element is a chunk, or three are; of one number many are.
STAGE = "0123456789abcdef"
DTYPES = ["S9000", "V3000", "<u2"]


def grow_or_write(
    store: ArrayStore,
    folder: Path,
    before: ArrayStructure,
    region: Any,
    values: Any,
    *,
    staged: bool = True,
) -> ArrayStructure:
    """Write a region as the catalog does; return the structure after it."""
    ends = tuple(max(part.stop, n) for part, n in zip(region, before.shape, strict=True))
    after = before if ends == before.shape else before.with_shape(ends)
    if after is not before:
        store.extend(folder, before, after, region)
    stage = STAGE if staged else ""
    store.write_region(folder, after, region, values, visible_shape=before.shape, stage=stage)
    if staged:
        store.apply(folder, after, STAGE)
    return after


def chunks_within(folder: Path, structure: ArrayStructure) -> list[tuple[int, ...]]:
    """The chunks that have a file, and an element that the catalog knows of."""
    layout = layout_of(folder, structure)
    found = chunk_files.existing_chunks(folder, len(layout.chunk))
    return sorted(index for index, _ in found if elements_of(structure, layout, index).any())


def layout_of(folder: Path, structure: ArrayStructure) -> Layout:
    return read_layout(folder, structure)


def elements_of(structure: ArrayStructure, layout: Layout, index: tuple[int, ...]) -> Any:
    """Which elements a chunk holds."""
    held = np.zeros(structure.shape, bool)
    pairs = list(zip(index, layout.chunk, strict=True))[: len(structure.shape)]
    held[tuple(slice(n * size, (n + 1) * size) for n, size in pairs)] = True
    return held


@st.composite
def histories(draw: st.DrawFn) -> tuple[ArrayStructure, list[Any]]:
    """An array, and regions to write one after another: all of it, parts, and beyond its end."""
    shape = tuple(draw(st.lists(st.integers(0, 12), min_size=1, max_size=3)))
    structure = ArrayStructure.from_array(np.zeros(shape, draw(st.sampled_from(DTYPES))))
    regions: list[Any] = []
    if draw(st.booleans()):
        # Row by row.
        for row in range(draw(st.integers(1, 4))):
            ends = slice(shape[0] + row, shape[0] + row + 1)
            regions.append((ends, *(slice(0, max(n, 1)) for n in shape[1:])))
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            regions.insert(draw(st.integers(0, len(regions))), "all")
            continue
        corner = [draw(st.integers(0, 12)) for _ in shape]
        size = [draw(st.integers(1, 6)) for _ in shape]
        regions.append(tuple(slice(a, a + n) for a, n in zip(corner, size, strict=True)))
    return structure, regions


@SMALL
@given(
    data=st.data(),
    history=histories(),
    zeros=st.booleans(),
    branched=st.booleans(),
    staged=st.booleans(),
)
def test_a_lost_chunk_is_an_error_for_reads_that_need_it_and_for_no_other(
    tmp_path: Path, data: st.DataObject, history: Any, zeros: bool, branched: bool, staged: bool
) -> None:
    store, folder = ArrayStore(), fresh(tmp_path)
    structure, regions = history
    store.create(folder, structure)
    expected = np.zeros(structure.shape, structure.dtype)
    for seed, region in enumerate(regions):
        where = tuple(map(slice, structure.shape)) if region == "all" else region
        where = tuple(slice(part.start or 0, part.stop) for part in where)
        values = noise(structure.dtype, tuple(p.stop - p.start for p in where), seed)
        values = np.zeros_like(values) if zeros else values
        structure = grow_or_write(store, folder, structure, where, values, staged=staged)
        larger = np.zeros(structure.shape, structure.dtype)
        larger[tuple(map(slice, expected.shape))] = expected
        larger[where] = values
        expected = larger
    present = chunks_within(folder, structure)
    if not present:
        return
    lost = data.draw(st.sampled_from(present))
    os.unlink(chunk_files.chunk_path(folder, lost))
    if branched:
        store.branch(folder, copy := fresh(tmp_path), structure)
        folder = copy
    gone = elements_of(structure, layout_of(folder, structure), lost)
    for _ in range(3):
        items = data.draw(selections(structure.shape))
        if gone[(*items, ...)].any():
            with pytest.raises(MissingFile, match="was written"):
                store.read(folder, structure, items)
        else:
            found = store.read(folder, structure, items)
            assert same(found, np.array(expected[(*items, ...)], order="C"))


@pytest.mark.parametrize("rows", [2, 40])
@pytest.mark.parametrize("zeros", [True, False])
def test_every_chunk_that_was_written_has_a_file(tmp_path: Path, rows: int, zeros: bool) -> None:
    array = np.zeros((rows, 3000), "f4") if zeros else np.ones((rows, 3000), "f4")
    structure = ArrayStructure.from_array(array)
    structure = ArrayStructure(structure.data_type, structure.shape, ((1,) * rows, (3000,)))
    store = ArrayStore()
    store.create(tmp_path / "a", structure)
    store.write(tmp_path / "a", structure, array)
    assert len(chunks_within(tmp_path / "a", structure)) == rows


@pytest.mark.parametrize("rows", [2, 40])
def test_what_is_left_of_a_lost_chunk_is_not_made_up_by_a_patch(tmp_path: Path, rows: int) -> None:
    """Up to eight chunks are written by ourselves, more by tensorstore."""
    array = noise(np.dtype("S9000"), (rows, 2), 1)
    structure = ArrayStructure(
        ArrayStructure.from_array(array).data_type, array.shape, ((1,) * rows, (2,))
    )
    store, first_column = ArrayStore(), (slice(0, rows), slice(0, 1))
    store.create(tmp_path / "a", structure)
    store.write(tmp_path / "a", structure, array)
    os.unlink(tmp_path / "a/c/1/0/0")
    with pytest.raises(MissingFile, match="c/1/0/0"):
        store.write_region(tmp_path / "a", structure, first_column, array[first_column])
    store.write_region(tmp_path / "a", structure, (slice(1, 2), slice(0, 2)), array[1:2])
    store.write_region(tmp_path / "a", structure, first_column, array[first_column])
    assert same(store.read(tmp_path / "a", structure), array)


def test_a_folder_that_does_not_say_what_was_written_reads_as_before(tmp_path: Path) -> None:
    array = noise(np.dtype("S9000"), (20,), 1).copy()
    structure = ArrayStructure.from_array(array)
    store = ArrayStore()
    store.create(tmp_path / "a", structure)
    store.write(tmp_path / "a", structure, array)
    described = orjson.loads((tmp_path / "a/zarr.json").read_bytes())
    del described["attributes"]["written_chunks"]
    (tmp_path / "a/zarr.json").write_bytes(orjson.dumps(described))

    os.unlink(chunk_files.chunk_path(tmp_path / "a", chunks_within(tmp_path / "a", structure)[0]))
    assert not store.read(tmp_path / "a", structure, (0,)).item()
    store.write_region(tmp_path / "a", structure, (slice(19, 20),), array[:1])
    grown = grow_or_write(store, tmp_path / "a", structure, (slice(20, 21),), array[:1])
    found = store.read(tmp_path / "a", grown)
    assert (found[0], found[20]) == (b"", array[0])


def test_lost_marks_and_a_folder_older_than_the_catalog_raise_errors(
    tmp_path: Path,
) -> None:
    structure = ArrayStructure.from_array(np.zeros((2, 3000)))
    store, folder = ArrayStore(), tmp_path / "a"
    store.create(folder, structure)
    shutil.copytree(folder, tmp_path / "older")
    grown = grow_or_write(
        store, folder, structure, (slice(2, 3), slice(0, 3000)), np.ones((1, 3000))
    )
    assert store.read(folder, grown)[:, 0].tolist() == [0, 0, 1]
    with pytest.raises(MissingFile, match="older than the catalog"):
        store.read(tmp_path / "older", grown)
    shutil.rmtree(folder / "written")
    with pytest.raises(MissingFile, match="marks of written chunks"):
        store.read(folder, grown)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 70)), min_size=9, max_size=9)),
    st.integers(0, 9),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_marks_are_kept_in_any_number_of_dimensions(
    tmp_path: Path, boxes: list[list[tuple[int, int]]], ndim: int
) -> None:
    folder, expected = fresh(tmp_path), set[tuple[int, ...]]()
    (folder / "written").mkdir(parents=True)
    for box in boxes:
        # Along one dimension it is long.
        numbers = tuple(
            range(a, a + (n if place == len(box) % max(ndim, 1) else n % 2) + 1)
            for place, (a, n) in enumerate(box[:ndim])
        )
        written_marks.mark(folder, numbers)
        expected |= set(itertools.product(*numbers))
    everything = tuple(range(10**12) for _ in range(ndim))
    assert {
        tuple(row) for row in written_marks.find_marked(folder, everything).tolist()
    } == expected
    half = tuple(range(100) for _ in range(ndim))
    written_marks.clear_beyond(folder, half)
    left = {index for index in expected if all(n < 100 for n in index)}
    assert {tuple(row) for row in written_marks.find_marked(folder, everything).tolist()} == left


def test_the_encoding_of_texts_is_part_of_a_chunks_number(tmp_path: Path) -> None:
    array = np.array(["a" * 3000, "b" * 3000])
    structure = ArrayStructure.from_array(array)
    assert Encoding.of(array.dtype).inner
    store = ArrayStore()
    store.create(tmp_path / "a", structure)
    store.write(tmp_path / "a", structure, array)
    os.unlink(tmp_path / "a/c/0/0")
    with pytest.raises(MissingFile, match="c/0/0"):
        store.read(tmp_path / "a", structure, (1,))


def test_who_settles_a_write_without_the_lock_does_not_say_that_all_chunks_were_written(
    tmp_path: Path,
) -> None:
    """Meanwhile the next writer lets the array grow, and leaves chunks out."""
    store, array = ArrayStore(), np.ones((3, 1024))
    kind = ArrayStructure.from_array(array).data_type
    folder, before = fresh(tmp_path), ArrayStructure(kind, array.shape, ((1,) * 3, (1024,)))
    store.create(folder, before)
    chunks = store.write_region(folder, before, np.s_[0:3, 0:1024], array, stage=STAGE)
    store.apply(folder, before, STAGE)
    after = grow_or_write(store, folder, before, np.s_[5:6, 0:1024], array[:1])
    store.apply(folder, before, STAGE, chunks, alone=False)
    expected = np.concatenate([array, np.zeros((2, 1024)), array[:1]])
    np.testing.assert_array_equal(store.read(folder, after), expected)


def test_marks_that_two_make_at_once_in_a_new_tile_are_both_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes between the look at the tile, which is new, and the first byte in it."""
    others = [lambda: written_marks.mark(tmp_path, (range(7, 8),))]
    fstat = os.fstat

    def interrupted(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        if others:
            others.pop()()
        return found

    monkeypatch.setattr(os, "fstat", interrupted)
    written_marks.mark(tmp_path, (range(3, 4),))
    assert written_marks.find_marked(tmp_path, (range(100),)).tolist() == [[3], [7]]
