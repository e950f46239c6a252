"""Arrays with a codec, in a folder and in a bucket: stored as they were sent, and readable."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
import zarr
from django.core.management import CommandError, call_command

from catalog.models import Node
from catalog.services.arrays.batches import PlannedUpload, write_together
from catalog.services.stores.bucket.names import node_folder as object_folder
from catalog.services.stores.bucket.storage import BucketStorage
from catalog.services.stores.folder.paths import node_folder
from catalog.services.stores.site import storage
from catalog.services.stores.write_plans import plan_append
from catalog.services.uploads import Upload
from tests.buckets import in_folder
from tests.client.wire.compressed_frames import bitshuffle_lz4, compressed, sparse_frames
from tiled_client.wire.encodings import COMPRESSED, PayloadEncoding
from tiled_client.wire.structures import ArrayStructure

from ..conftest import OCTETS, Api

SHAPE = (1, 64, 80)
EMPTY = ArrayStructure.from_array(np.zeros((0, *SHAPE[1:]), "<u2"))


@dataclass
class Place:
    """A site, and where its chunks are."""

    api: Api
    tmp_path: Path
    damage: Callable[[Node, str, bytes], object]

    def create(self, codec: Any, structure: ArrayStructure = EMPTY, path: str = "x") -> Node:
        parameters = {"codec": codec}
        response = self.api.create(path, "array", structure, parameters=parameters)
        assert response.status_code == 200, response.content
        return Node.objects.get(path=path)

    def append(self, number: int, payload: bytes, encoding: str, shape: Any = SHAPE) -> None:
        offset = ",".join(map(str, (number, *(0 for _ in shape[1:]))))
        where = f"?offset={offset}&shape={','.join(map(str, shape))}&extend=true"
        headers = {"content-encoding": encoding}
        response = self.api.send("PATCH", f"/array/full/x{where}", payload, OCTETS, **headers)
        assert response.status_code == 200, response.content

    def read(self, where: str = "", dtype: str = "<u2") -> np.ndarray[Any, Any]:
        return self.api.read(f"/array/full/x{where}", dtype)

    def exported(self, node: Node) -> Path:
        """Return a folder with the files of the array, as other programs see them."""
        node.refresh_from_db()
        source, folder = node.source, self.tmp_path / f"copy-{len(list(self.tmp_path.iterdir()))}"
        assert source is not None
        structure = Node.objects.get(pk=node.pk).structure
        assert isinstance(structure, ArrayStructure)
        folder.mkdir()
        storage().arrays.export(source, structure, folder)
        return folder


@pytest.fixture(params=[pytest.param("folder", marks=in_folder), "bucket"])
def place(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Place:
    if request.param == "folder":

        def write(node: Node, name: str, body: bytes) -> None:
            (node_folder(node.uuid) / name).write_bytes(body)

        return Place(api, tmp_path, write)
    bucket: BucketStorage = request.getfixturevalue("bucket")
    return Place(
        api,
        tmp_path,
        lambda node, name, body: bucket.objects.put(f"{object_folder(node.uuid)}/{name}", body),
    )


def read_by_others(folder: Path) -> list[np.ndarray[Any, Any]]:
    """Return the array as zarr-python and as tensorstore read it."""
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder}/"}}
    opened = ts.open(spec, open=True, read=True).result()
    return [np.asarray(zarr.open_array(folder, mode="r")[:]), np.asarray(opened.read().result())]


@pytest.mark.parametrize("codec", COMPRESSED)
def test_frames_are_stored_as_they_were_sent_and_other_programs_read_them(
    place: Place, codec: PayloadEncoding
) -> None:
    frames = sparse_frames(11, *SHAPE[1:])
    node = place.create(codec)
    payloads = [compressed(codec, frame) for frame in frames]
    for number, payload in enumerate(payloads):
        place.append(number, payload, codec)
    folder = place.exported(node)
    contents = [(folder / f"c/{number}/0/0").read_bytes() for number in range(11)]
    if codec in ("zstd", "blosc"):
        assert contents == payloads
    elif codec != "blosc2":
        # The first compressed block, behind the header of the payload.
        begin, end = (16, 16 + int.from_bytes(payloads[0][12:16])) if codec != "lz4" else (4, None)
        assert payloads[0][begin:end] in contents[0]
    for found in read_by_others(folder):
        assert np.array_equal(found, frames)
    assert np.array_equal(place.read().reshape(-1, *SHAPE[1:]), frames)
    assert np.array_equal(place.read("?slice=1::3,5,::-2"), frames[1::3, 5, ::-2].reshape(-1))
    assert np.array_equal(place.read("?slice=4,2:9"), frames[4, 2:9].reshape(-1))


@pytest.mark.parametrize("codec", ["zstd", "bitshuffle-lz4"])
def test_writes_of_any_part_in_any_encoding_read_as_in_numpy(
    place: Place, codec: PayloadEncoding
) -> None:
    rng = np.random.default_rng(1)
    expected = np.zeros((7, 2000), "<u4")
    # Chunks of less than 8 KB would be joined.
    structure = replace(ArrayStructure.from_array(expected), chunks=((3, 3, 1), (1200, 800)))
    node = place.create(codec, structure)
    encodings = list(PayloadEncoding)
    for number in range(30):
        corners = (sorted(int(n) for n in rng.integers(0, size, 2)) for size in (7, 2000))
        region = tuple(slice(low, high + 1) for low, high in corners)
        if number % 3 == 0:
            region = (slice(3, 6), slice(0, 1200))
        if number % 10 == 4:
            region = (slice(0, 7), slice(0, 2000))
        values = rng.poisson(1, tuple(part.stop - part.start for part in region)).astype("<u4")
        encoding = encodings[number % len(encodings)]
        where = "&".join(
            f"{name}={numbers[0]},{numbers[1]}"
            for name, numbers in (
                ("offset", [part.start for part in region]),
                ("shape", values.shape),
            )
        )
        payload = compressed(encoding, values)
        headers = {"content-encoding": encoding}
        sent = place.api.send("PATCH", f"/array/full/x?{where}", payload, OCTETS, **headers)
        assert sent.status_code == 200, sent.content
        expected[region] = values
        assert np.array_equal(place.read(dtype="<u4").reshape(7, 2000), expected)
    for found in read_by_others(place.exported(node)):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("dtype", [">u2", "<f8", "U3", "M8[ns]", "?"])
def test_every_kind_of_dtype_is_stored_compressed(place: Place, dtype: str) -> None:
    # In big-endian order, elements are stored in another one than they are sent.
    values = np.arange(4096).astype(dtype).reshape(1, -1)
    structure = ArrayStructure.from_array(values).with_shape((0, 4096))
    place.create("blosc", structure)
    payload = compressed(PayloadEncoding.blosc, values)
    for number in range(2):
        place.append(number, payload, "blosc", values.shape)
    found = place.read(dtype=dtype).reshape(-1, 4096)
    assert found.tobytes() == values.tobytes() * 2


def test_frames_that_are_stored_together_are_stored_as_they_were_sent(place: Place) -> None:
    frames = sparse_frames(12, *SHAPE[1:])
    node = place.create("zstd")
    payloads = [compressed(PayloadEncoding.zstd, frame) for frame in frames]

    def upload(payload: bytes) -> PlannedUpload:
        made = Upload(payload, OCTETS, persist=True, encoding=PayloadEncoding.zstd)
        return PlannedUpload(lambda structure: plan_append(structure, 1), made)

    stored = []
    while sum(stored) < len(payloads):
        rest = payloads[sum(stored) :]
        done = write_together(
            path="x",
            uploads=[upload(payload) for payload in rest],
            around=lambda first, last: nullcontext(),
            on_streamed=lambda epoch, sequence: None,
        )
        assert not done.rejected
        stored.append(done.count)
    # The first frame alone chooses the chunks.
    assert stored == [1, 11]
    folder = place.exported(node)
    assert [(folder / f"c/{n}/0/0").read_bytes() for n in range(12)] == payloads
    assert np.array_equal(place.read().reshape(frames.shape), frames)


def reported(*options: str) -> list[tuple[str, str]]:
    told = io.StringIO()
    with suppress(CommandError):
        call_command("verify", "--json", *options, stdout=told, stderr=io.StringIO())
    return [(p["kind"], p["detail"]) for p in map(json.loads, told.getvalue().splitlines())]


@pytest.mark.parametrize("codec", ["zstd", "bitshuffle-lz4"])
def test_damaged_chunks_are_found_and_not_read(place: Place, codec: PayloadEncoding) -> None:
    frames = sparse_frames(2, *SHAPE[1:])
    node = place.create(codec)
    for number, frame in enumerate(frames):
        place.append(number, compressed(codec, frame), codec)
    assert not [kind for kind, _ in reported() if kind == "unreadable"]
    content = (place.exported(node) / "c/1/0/0").read_bytes()
    place.damage(node, "c/1/0/0", content[:-20])
    assert [kind for kind, _ in reported()].count("unreadable") == 1
    response = place.api.get("/array/full/x?slice=1", accept=OCTETS)
    assert response.status_code >= 400
    assert np.array_equal(place.read("?slice=0"), frames[0].reshape(-1))


@pytest.mark.parametrize("codec", ["gzip", 3, ["zstd"]])
def test_an_unknown_codec_is_rejected(place: Place, codec: Any) -> None:
    response = place.api.create("x", "array", EMPTY, parameters={"codec": codec})
    assert response.status_code == 422
    assert b"bitshuffle-lz4" in response.content
    assert not Node.objects.filter(path="x").exists()


def test_the_structure_names_the_codec(place: Place) -> None:
    place.create("bitshuffle-lz4")
    place.append(0, bitshuffle_lz4(sparse_frames(*SHAPE)), "bitshuffle-lz4")
    attributes = place.api.json("/metadata/x?include_data_sources=true")["data"]["attributes"]
    assert attributes["structure"]["codec"] == "bitshuffle-lz4"
    assert attributes["data_sources"][0]["parameters"] == {"codec": "bitshuffle-lz4"}
