"""Every datatype that an HDF5 file can have: equal values, or a sentence, whatever is asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from h5py import h5d, h5s, h5t
from pytest_django import Settings

from catalog.formats.registry import formats
from catalog.storage import external
from catalog.storage.errors import StorageError
from catalog.storage.files import file_uri
from tiled_client.wire.data_sources import Asset

from ..conftest import Api, detail
from .test_embedded_nodes import register

HDF5 = "application/x-hdf5"
Array = npt.NDArray[Any]
Write = Callable[[h5py.File, str], None]


def data(values: Any, dtype: Any = None) -> Write:
    return lambda file, name: void(file.create_dataset(name, data=values, dtype=dtype))


def low(
    kind: Callable[[], h5t.TypeID], octets: bytes = bytes(64), shape: tuple[int, ...] = (2,)
) -> Write:
    """A dataset of a type that only the library's own functions make."""

    def write(file: h5py.File, name: str) -> None:
        made = h5d.create(file.id, name.encode(), kind(), h5s.create_simple(shape))
        if kind().get_class() in (h5t.OPAQUE, h5t.BITFIELD):
            size = kind().get_size()
            values = np.frombuffer(octets[: size * int(np.prod(shape))], f"V{size}")
            made.write(h5s.ALL, h5s.ALL, values.reshape(shape), kind())

    return write


def lists(*values: Any, of: Any) -> Write:
    def write(file: h5py.File, name: str) -> None:
        made = file.create_dataset(name, (len(values),), dtype=h5py.vlen_dtype(of))
        for number, value in enumerate(values):
            made[number] = value

    return write


def sized(kind: h5t.TypeID, size: int, bits: int) -> Callable[[], h5t.TypeID]:
    def make() -> h5t.TypeID:
        copy: Any = kind.copy()
        copy.set_size(size)
        copy.set_precision(bits)
        return copy

    return make


def bfloat16() -> h5t.TypeID:
    kind: Any = h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_precision(16)
    kind.set_size(2)
    kind.set_ebias(127)
    return kind


def tagged() -> h5t.TypeID:
    kind = h5t.create(h5t.OPAQUE, 3)
    kind.set_tag(b"of some instrument")
    return kind


def odd_field() -> h5t.TypeID:
    kind = h5t.create(h5t.COMPOUND, 4)
    kind.insert(b"gr\xf6\xdfe", 0, h5t.STD_I32LE)
    return kind


def void(_: object) -> None:
    """Nothing is done with what a library returns."""


RECORDS = np.array([(1, 2.5, b"x"), (3, -1.0, b"yz")], [("a", ">i4"), ("b", "f8"), ("c", "S3")])
NESTED = np.array([(1, (2, [3, 4]))], [("a", "i4"), ("n", [("x", "u1"), ("y", "f4", (2,))])])
PADDED = np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 24})
ROWS = np.arange(6).reshape(2, 3)
TEXTS = h5py.string_dtype()
TIMES = np.array(["2020-01-01", "NaT"], "M8[s]")

VALUES: dict[str, tuple[Write, Any]] = {
    **{
        f"number {kind}": (data(ROWS.astype(kind)), ROWS.astype(kind))
        for kind in (
            "i1",
            "u1",
            ">i2",
            "<u2",
            ">i4",
            "u4",
            "<i8",
            ">u8",
            "<f2",
            ">f2",
            "<f4",
            ">f8",
        )
    },
    "complex": (data(ROWS.astype("c8")), ROWS.astype("c8")),
    "complex, big-endian": (data(ROWS.astype(">c16")), ROWS.astype(">c16")),
    "long double": (data(ROWS.astype("g")), ROWS.astype("g")),
    "bfloat16": (low(bfloat16), np.zeros(2, "f4")),
    "boolean": (data(np.array([True, False])), np.array([True, False])),
    "enum": (data([0, 5], h5py.enum_dtype({"A": 0, "Z": 5}, ">i2")), np.array([0, 5], ">i2")),
    "bits": (low(lambda: h5t.STD_B16BE, b"\x01\x02\x03\x04"), np.array([0x102, 0x304], ">u2")),
    "24 bits of 32": (
        low(sized(h5t.STD_I32LE, 4, 24)),
        np.zeros(2, "i4"),
    ),
    "opaque": (data(np.frombuffer(b"abcdefgh", "V4")), np.frombuffer(b"abcdefgh", "V4")),
    "opaque with a tag": (low(tagged, b"\0\1\2\3\4\5"), np.frombuffer(b"\0\1\2\3\4\5", "V3")),
    "times": (data(TIMES.astype(h5py.opaque_dtype("M8[s]"))), TIMES),
    "fixed texts": (data(np.array([b"ab", b"c"])), np.array([b"ab", b"c"])),
    "texts": (data(["a", "böö", ""], TEXTS), np.array([b"a", "böö".encode(), b""])),
    "Latin-1": (data([b"gr\xf6\xdfe"], h5py.string_dtype("ascii")), np.array([b"gr\xf6\xdfe"])),
    "one text": (data("ä"), np.array("ä".encode())),
    "no text": (data([], TEXTS), np.zeros(0, "S1")),
    "lists": (lists([1, 2], [], [3], of="i4"), np.array([b"[1,2]", b"[]", b"[3]"])),
    "records": (data(RECORDS), RECORDS),
    "nested records": (data(NESTED), NESTED),
    "padded records": (data(np.zeros(2, PADDED)), np.zeros(2, [("a", "i1"), ("b", "f8")])),
    "records with texts": (
        data(np.array([("x", 1)], [("s", TEXTS), ("n", "i4")])),
        np.array([(b"x", 1)], [("s", "S1"), ("n", "i4")]),
    ),
    "arrays as elements": (
        low(lambda: h5t.array_create(h5t.STD_I32LE, (3,))),
        np.zeros((2, 3), "i4"),
    ),
    "arrays of texts": (
        low(lambda: h5t.array_create(h5t.py_create(TEXTS, logical=True), (3,))),
        np.zeros((2, 3), "S1"),
    ),
    "reference": (lambda file, name: references(file, name), np.array([b"/boolean", b""])),
    "nothing": (data(h5py.Empty("f4")), np.zeros(0, "f4")),
    "no elements": (data(np.zeros((0, 3))), np.zeros((0, 3))),
    "scalar": (data(np.float32(3)), np.array(3, "f4")),
}
REFUSED: dict[str, tuple[Write, str]] = {
    "time": (low(lambda: h5t.UNIX_D32LE), "type of /time is not supported"),
    "128 bits": (low(sized(h5t.STD_I64LE, 16, 128)), "type of /128 bits is not supported"),
    "3 bytes": (
        low(sized(h5t.STD_I8LE, 3, 24)),
        "type of /3 bytes is not supported",
    ),
    "odd field": (low(odd_field), "type of /odd field is not supported"),
    "named type": (lambda file, name: file.__setitem__(name, np.dtype("i8")), "is a datatype, not"),
    "soft": (lambda file, name: file.__setitem__(name, h5py.SoftLink("/no")), "/no is broken"),
    "elsewhere": (
        lambda file, name: file.__setitem__(name, h5py.ExternalLink("no.h5", "/x")),
        "no.h5 is broken",
    ),
    "circle": (
        lambda file, name: file.__setitem__(name, h5py.SoftLink("/circle")),
        "chain of links is longer",
    ),
}


def references(file: h5py.File, name: str) -> None:
    values = np.array([file["boolean"].ref, h5py.Reference()], h5py.ref_dtype)
    void(file.create_dataset(name, data=values, dtype=h5py.ref_dtype))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all of them, and names that are not UTF-8."""
    path = tmp_path_factory.mktemp("types") / "all.h5"
    with h5py.File(path, "w") as file:
        for name, (write, _) in {**VALUES, **REFUSED}.items():
            write(file, name)
        file[b"Gr\xf6\xdfe"] = 1
        file.create_group("Größer")["x"] = 2
        file.create_group(b"Gr\xf6\xdfer")["y"] = 3
    os.utime(path, (0, 0))
    return path


@pytest.mark.parametrize("name", VALUES)
def test_values_are_read_as_they_were_written(path: Path, name: str) -> None:
    found, expected = read(path, name), VALUES[name][1]
    assert (kind(found), found.shape) == (kind(expected), expected.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", REFUSED)
def test_unreadable_types_are_rejected_with_a_reason(path: Path, name: str) -> None:
    assert REFUSED[name][1] in refusal(path, name)


def read(path: Path, name: str) -> Array:
    asset = Asset(file_uri(path), is_directory=False)
    with external.open_tree(HDF5, [asset], {}, readable=[path.parent]) as tree:
        structure: Any = tree.entry([name]).structure
        if not math.prod(structure.shape):
            return np.zeros(structure.shape, structure.dtype)
        return tree.read_array([name], structure, ())


def kind(array: Array) -> Any:
    """Return the data type of an array, byte order included."""
    return array.dtype.descr if array.dtype.names else array.dtype.str


def refusal(path: Path, name: str) -> str:
    try:
        return f"{read(path, name)} was read"
    except StorageError as error:
        return str(error)


def test_no_entry_hides_another_in_any_form(api: Api, path: Path, settings: Settings) -> None:
    storage = settings.TILED.storage.model_copy(update={"readable": [path.parent]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    register(api, path, HDF5)
    names = {*VALUES, *REFUSED, "Größe", "Größer", r"Gr\xf6\xdfer"}
    keys = api.json("/search/f?fields=&page[limit]=300")["data"]
    assert {one["id"] for one in keys} == names
    listed = api.json("/search/f?page[limit]=300")["data"]
    assert {one["id"] for one in listed} == names
    assert {one["id"] for one in listed if one["meta"]} == set(REFUSED)
    assert api.read("/array/full/f/Größe", "i8").tolist() == [1]
    assert api.read(r"/array/full/f/Gr\xf6\xdfer/y", "i8").tolist() == [3]
    for media_type in (HDF5, "application/json"):
        answer = api.get("/container/full/f", accept=media_type)
        assert (answer.status_code, bool(body(answer))) == (200, True), media_type


def test_every_form_of_every_datatype_is_given_or_refused(
    api: Api, path: Path, settings: Settings
) -> None:
    storage = settings.TILED.storage.model_copy(update={"readable": [path.parent]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    register(api, path, HDF5)
    odd = []
    for name in VALUES:
        for media_type in formats().media_types([], "array"):
            answer = api.get(f"/array/full/f/{name}", accept=media_type)
            content = body(answer)
            if answer.status_code not in (200, 400, 406, 422) or not (content or "no" in name):
                odd.append((name, media_type, answer.status_code, content[:200]))
    assert odd == []
    for name in REFUSED:
        answer = api.get(f"/metadata/f/{name}")
        assert (answer.status_code, bool(detail(answer))) in ((410, True), (422, True))


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content
