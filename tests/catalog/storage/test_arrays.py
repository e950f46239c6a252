"""Arrays on disk behave as numpy's, whatever the dtype, the chunks and the slice."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.storage.arrays import ArrayStore
from catalog.storage.errors import MissingFile, Unreadable
from catalog.storage.layout import MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, plan
from tests.catalog.storage.strategies import filled, noise, selections
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

SMALL = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def store() -> ArrayStore:
    return ArrayStore()


def fresh(folder: Path) -> Path:
    return folder / os.urandom(8).hex()


def one_chunk(shape: tuple[int, ...], dtype: str) -> ArrayStructure:
    return ArrayStructure(dtype_from_numpy(np.dtype(dtype)), shape, tuple((n,) for n in shape))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def same(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    """Equal in values, dtype, byte order and layout."""
    return (
        found.dtype == expected.dtype
        and found.dtype.byteorder == expected.dtype.byteorder
        and found.flags.c_contiguous
        and same_values(found, expected)
    )


def same_values(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    """Equal to the bit, but for padding; NaN equals NaN."""
    if found.dtype.names:
        return all(same_values(found[name], expected[name]) for name in found.dtype.names)
    if found.dtype.kind in "fc":
        return np.array_equal(found, expected, equal_nan=True)
    return found.shape == expected.shape and found.tobytes() == expected.tobytes()


@SMALL
@given(data=st.data(), case=filled())
def test_a_slice_of_what_was_written_is_numpys(
    tmp_path: Path, store: ArrayStore, data: st.DataObject, case: tuple[ArrayStructure, Any]
) -> None:
    structure, array = case
    folder = fresh(tmp_path)
    store.create(folder, structure)
    store.write(folder, structure, array)
    items = data.draw(selections(structure.shape))
    assert same(store.read(folder, structure, items), np.array(array[(*items, ...)], order="C"))


@SMALL
@given(data=st.data(), case=filled())
def test_a_region_is_written_and_its_surroundings_are_kept(
    tmp_path: Path, store: ArrayStore, data: st.DataObject, case: tuple[ArrayStructure, Any]
) -> None:
    structure, array = case
    folder = fresh(tmp_path)
    store.create(folder, structure)
    expected = np.zeros(structure.shape, structure.dtype)
    for _ in range(2):
        corners = [sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2))) for n in structure.shape]
        region = tuple(slice(*corner) for corner in corners)
        expected[region] = array[region]
        store.write_region(folder, structure, region, array[(*region, ...)])
    assert same(store.read(folder, structure), expected)


@SMALL
@given(
    dtype=st.sampled_from(["<f8", ">u2", "V3000", "S9000"]),
    growths=st.lists(
        st.tuples(
            st.tuples(*[st.integers(0, 14)] * 2),
            st.tuples(*[st.integers(1, 4)] * 2),
            st.sampled_from(["kept", "kept", "interrupted"]),
        ),
        max_size=5,
    ),
)
def test_a_growing_array_shows_zeros_in_gaps_and_nothing_of_interrupted_growth(
    tmp_path: Path, store: ArrayStore, dtype: str, growths: list[Any]
) -> None:
    structure = ArrayStructure.from_array(np.zeros((0, 2), dtype))
    folder = fresh(tmp_path)
    store.create(folder, structure)
    expected = np.zeros((0, 2), dtype)
    for seed, (offset, patch, outcome) in enumerate(growths):
        region = tuple(slice(a, a + n) for a, n in zip(offset, patch, strict=True))
        values = noise(np.dtype(dtype), patch, seed)
        stops = (part.stop for part in region)
        shape = tuple(max(a, b) for a, b in zip(structure.shape, stops, strict=True))
        grown = structure.with_shape(shape)
        if shape != structure.shape:
            store.extend(folder, structure, grown)
        inside = all(p.start >= n for p, n in zip(region, structure.shape, strict=True))
        if outcome == "kept":
            larger = np.zeros(shape, dtype)
            larger[tuple(map(slice, expected.shape))] = expected
            larger[region] = values
            expected = larger
        elif not inside:
            continue
        store.write_region(folder, grown, region, values, visible_shape=structure.shape)
        structure = grown if outcome == "kept" else structure
        assert same(store.read(folder, structure), expected)


@pytest.mark.parametrize("dtype", "? i1 <i8 >i2 u1 >u4 <f2 <f4 >f8 <c8 >c16 <M8[ns] <U3".split())
def test_any_zarr_reader_opens_what_was_written(
    tmp_path: Path, store: ArrayStore, dtype: str
) -> None:
    array = noise(np.dtype(dtype), (5, 4), 1)
    structure = ArrayStructure.from_array(array[:3], dims=["time", "x"])
    folder = fresh(tmp_path)
    store.create(folder, structure)
    store.write(folder, structure, array[:3])
    grown = structure.with_shape((5, 4))
    store.extend(folder, structure, grown)
    store.write_region(folder, grown, (slice(3, 5), slice(0, 4)), array[3:])

    opened: Any = zarr.open_array(folder, mode="r")
    assert opened.metadata.zarr_format == 3
    assert opened.metadata.dimension_names[:2] == ("time", "x")
    assert opened.shape[:2] == (5, 4)
    plain = np.ascontiguousarray(opened[:]).astype(opened.dtype.newbyteorder("<"))
    stored = array if plain.ndim == 3 else array.astype(array.dtype.newbyteorder("<"))
    assert plain.tobytes() == stored.tobytes()
    assert np.dtype(opened.attrs["dtype"]) == array.dtype


def test_what_an_interrupted_growth_wrote_is_not_seen_in_a_later_gap(
    tmp_path: Path, store: ArrayStore
) -> None:
    structure = ArrayStructure.from_array(np.ones(3))
    store.create(tmp_path / "a", structure)
    store.write(tmp_path / "a", structure, np.ones(3))
    failed = structure.with_shape((6000,))
    store.extend(tmp_path / "a", structure, failed)
    store.write_region(tmp_path / "a", failed, (slice(3, 6000),), np.full(5997, 7.0))

    assert store.read(tmp_path / "a", structure).tolist() == [1, 1, 1]
    grown = structure.with_shape((7000,))
    store.extend(tmp_path / "a", structure, grown)
    store.write_region(tmp_path / "a", grown, (slice(6999, 7000),), np.ones(1))
    assert store.read(tmp_path / "a", grown).sum() == 4


def test_a_chunk_that_was_half_written_when_growth_stopped_is_no_chunk(tmp_path: Path) -> None:
    killed, store = ArrayStore(), ArrayStore()
    rows, width = noise(np.dtype("f8"), (3, 2000), 1).copy(), slice(0, 2000)
    structure = ArrayStructure.from_array(rows[:1])
    store.create(tmp_path / "a", structure)
    store.write(tmp_path / "a", structure, rows[:1])
    failed = structure.with_shape((2, 2000))
    killed.extend(tmp_path / "a", structure, failed)
    region = (slice(1, 2), width)
    killed.write_region(tmp_path / "a", failed, region, rows[1:2], visible_shape=(1, 2000))
    os.truncate(tmp_path / "a/c/1/0", 9000)

    assert same(store.read(tmp_path / "a", structure), rows[:1])
    grown = structure.with_shape((3, 2000))
    store.extend(tmp_path / "a", structure, grown)
    region = (slice(2, 3), width)
    store.write_region(tmp_path / "a", grown, region, rows[2:], visible_shape=(1, 2000))
    rows[1] = 0
    assert same(store.read(tmp_path / "a", grown), rows)


def test_two_processes_may_share_an_array(tmp_path: Path) -> None:
    first, second = ArrayStore(), ArrayStore()
    structure = ArrayStructure.from_array(np.zeros((0, 300)))
    first.create(tmp_path / "a", structure)
    first.read(tmp_path / "a", structure)
    for number, (writer, reader) in enumerate([(second, first), (first, second)] * 3):
        grown = structure.with_shape((structure.shape[0] + 40, 300))
        writer.extend(tmp_path / "a", structure, grown)
        region = (slice(structure.shape[0], grown.shape[0]), slice(0, 300))
        writer.write_region(tmp_path / "a", grown, region, np.full((40, 300), float(number)))
        structure = grown
        assert reader.read(tmp_path / "a", structure)[::40, 0].tolist() == [*range(number + 1)]


def test_who_reads_while_an_array_grows_sees_all_that_was_committed(tmp_path: Path) -> None:
    writer, reader = ArrayStore(), ArrayStore(handles=1)
    structures = [ArrayStructure.from_array(np.zeros((0, 700)))]
    writer.create(tmp_path / "a", structures[0])

    def grow() -> None:
        for row in range(200):
            before, grown = structures[-1], structures[-1].with_shape((row + 1, 700))
            writer.extend(tmp_path / "a", before, grown)
            region = (slice(row, row + 1), slice(0, 700))
            values = np.full((1, 700), float(row))
            writer.write_region(tmp_path / "a", grown, region, values, visible_shape=before.shape)
            structures.append(grown)

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow)
        while not growing.done():
            found = reader.read(tmp_path / "a", structures[-1])
            assert (found == np.arange(len(found))[:, None]).all()
        growing.result()


def test_synced_writes_are_the_same(tmp_path: Path) -> None:
    store = ArrayStore(file_io_sync=True)
    array = noise(np.dtype("<i4"), (40, 3), 0)
    structure = ArrayStructure.from_array(array[:1])
    store.create(tmp_path / "a", structure)
    for row in range(40):
        grown = structure.with_shape((row + 1, 3))
        store.extend(tmp_path / "a", structure, grown)
        region = (slice(row, row + 1), slice(0, 3))
        store.write_region(tmp_path / "a", grown, region, array[region], visible_shape=(row, 3))
        structure = grown
    assert same(store.read(tmp_path / "a", structure), array)


def test_more_folders_than_handles_are_all_read(tmp_path: Path) -> None:
    store = ArrayStore(handles=2)
    structure = ArrayStructure.from_array(np.arange(3))
    for number in [0, 1, 2, 3] * 2:
        folder = tmp_path / str(number)
        store.create(folder, structure)
        store.write(folder, structure, np.full(3, number))
    assert [store.read(tmp_path / str(n), structure)[0] for n in range(4)] == [0, 1, 2, 3]


def test_chunks_on_disk_are_of_a_reasonable_size_whatever_was_declared() -> None:
    for shape, dtype in [
        ((1 << 20, 1 << 30), "f8"),
        ((3, 1 << 40), "u1"),
        ((7, 5), "f4"),
        ((0,), "f8"),
        ((2, 100), "U1000000"),
        ((1 << 13, 1 << 13), "f8"),
    ]:
        layout = plan(one_chunk(shape, dtype))
        size = np.prod(layout.chunk, dtype=object) * layout.stored.itemsize
        assert MIN_CHUNK_BYTES // 2 < size <= MAX_CHUNK_BYTES, (shape, dtype, layout)


def test_one_number_of_an_enormous_array_is_written(tmp_path: Path, store: ArrayStore) -> None:
    structure = one_chunk((1 << 30, 1 << 30), "f8")
    store.create(tmp_path / "a", structure)
    at = (1 << 29, 3)
    store.write_region(
        tmp_path / "a", structure, tuple(slice(n, n + 1) for n in at), np.ones((1, 1))
    )
    assert store.read(tmp_path / "a", structure, at) == 1
    assert store.read(tmp_path / "a", structure, (slice(0, 2), slice(0, 2))).sum() == 0
    assert size_of(tmp_path / "a") <= MAX_CHUNK_BYTES + 2000 + 4096


def test_what_does_not_fit_is_refused_and_nothing_is_written(
    tmp_path: Path, store: ArrayStore
) -> None:
    structure = ArrayStructure.from_array(np.zeros((3, 4)))
    store.create(tmp_path / "a", structure)
    before = size_of(tmp_path / "a")
    with pytest.raises(WireError, match=r"shape \[3, 3\] cannot be written .* shape \[3, 4\]"):
        store.write(tmp_path / "a", structure, np.ones((3, 3)))
    with pytest.raises(WireError, match="not within"):
        store.write_region(tmp_path / "a", structure, (slice(2, 4), slice(0, 4)), np.ones((2, 4)))
    with pytest.raises(WireError, match="out of range"):
        store.read(tmp_path / "a", structure, (3,))
    with pytest.raises(WireError, match="cannot grow"):
        store.extend(tmp_path / "a", structure, structure.with_shape((2, 4)))
    assert size_of(tmp_path / "a") == before


def test_missing_and_damaged_storage_raises_an_error(tmp_path: Path, store: ArrayStore) -> None:
    structure = ArrayStructure.from_array(np.arange(3))
    with pytest.raises(MissingFile):
        store.read(tmp_path / "a", structure)
    store.create(tmp_path / "a", structure)
    with pytest.raises(Unreadable, match="declared"):
        store.read(tmp_path / "a", ArrayStructure.from_array(np.zeros(3, "f4")))
    store.write(tmp_path / "a", structure, np.arange(3))
    os.truncate(tmp_path / "a" / "c" / "0", 5)
    with pytest.raises(Unreadable, match="5 bytes"):
        store.read(tmp_path / "a", structure)
    (tmp_path / "a" / "zarr.json").write_text("{")
    with pytest.raises(Unreadable, match=r"zarr\.json"):
        store.read(tmp_path / "a", structure)
