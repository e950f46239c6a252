"""Arrays in a bucket: what is read is what was written, for this server and for plain Zarr."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.store import S3Store
from zarr.storage import ObjectStore as ZarrObjectStore

from catalog.models import Chunk, DataSource, Node, ReplacedObject
from catalog.services.cleanup import remove_orphaned_files, remove_orphaned_folders
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.bucket.storage import BucketStorage
from tiled_client.wire.structures import ArrayStructure

from ..conftest import OCTETS, Api, octets

ROWS = 1024


def create(api: Api, path: str, array: np.ndarray[Any, Any], chunks: Any = None) -> Node:
    structure = ArrayStructure.from_array(array)
    if chunks is not None:
        structure = ArrayStructure.from_json({**structure.to_json(), "chunks": chunks})
    assert api.create(path, "array", structure).status_code == 200
    return Node.objects.get(path=path)


def patch(api: Api, path: str, offset: Any, array: np.ndarray[Any, Any], **headers: str) -> None:
    place = "&".join(
        f"{name}={','.join(map(str, numbers))}"
        for name, numbers in (("offset", offset), ("shape", array.shape))
    )
    response = api.send(
        "PATCH", f"/array/full/{path}?{place}&extend=true", array.tobytes(), OCTETS, **headers
    )
    assert response.status_code == 200, response.content


def read(api: Api, path: str, dtype: Any, where: str = "") -> np.ndarray[Any, Any]:
    node = api.json(f"/metadata/{path}")["data"]["attributes"]["structure"]["shape"]
    response = api.get(f"/array/full/{path}{where}", accept=OCTETS)
    assert response.status_code == 200, response.content
    found = np.frombuffer(response.content, dtype)
    return found if where else found.reshape(node)


def names(bucket: BucketStorage, node: Node) -> list[str]:
    folder = node_folder(node.uuid)
    return sorted(
        one.name.removeprefix(f"{folder}/") for one in bucket.objects.list_objects(folder)
    )


REGIONS = st.tuples(
    st.tuples(st.integers(0, 4), st.integers(0, 5)), st.tuples(st.integers(1, 4), st.integers(1, 5))
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(REGIONS, min_size=1, max_size=6),
    chunk=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    begin=st.sampled_from([(0, 3), (1, 1), (3, 4)]),
)
def test_any_writes_read_as_in_numpy(
    bucket: BucketStorage, api: Api, writes: Any, chunk: Any, begin: Any
) -> None:
    # Elements of 2 KB, so that chunks are as small as asked for.
    dtype = np.dtype("V2048")
    Node.objects.filter(path="x").delete()
    expected = np.zeros(begin, dtype)
    pieces = [[min(c, n - k) for k in range(0, n, c)] for c, n in zip(chunk, begin, strict=True)]
    create(api, "x", expected, pieces)
    for number, (offset, shape) in enumerate(writes, 1):
        values = np.full((*shape, 2048), number, "u1").view(dtype)[..., 0]
        patch(api, "x", offset, values)
        grown = [max(n, a + m) for n, a, m in zip(expected.shape, offset, shape, strict=True)]
        after = np.zeros(grown, dtype)
        after[tuple(map(slice, expected.shape))] = expected
        after[tuple(slice(a, a + m) for a, m in zip(offset, shape, strict=True))] = values
        expected = after
        assert (read(api, "x", dtype) == expected).all()
    found = read(api, "x", dtype, "?slice=::2,::-1")
    assert (found == expected[::2, ::-1].reshape(-1)).all()
    bucket.tend(min_age=0)
    remove_orphaned_files(min_age=0)
    assert (read(api, "x", dtype) == expected).all()


def test_an_append_of_frames_adds_one_object_and_no_row(bucket: BucketStorage, api: Api) -> None:
    frames = np.arange(4 * ROWS, dtype="f8").reshape(4, ROWS)
    node = create(api, "x", frames[:0])
    for number in range(4):
        patch(api, "x", (number, 0), frames[number : number + 1])

    assert (read(api, "x", "f8") == frames).all()
    assert names(bucket, node) == ["c/0/0", "c/1/0", "c/2/0", "c/3/0", "zarr.json"]
    assert not Chunk.objects.exclude(index="").exists()
    assert DataSource.objects.get(node=node).chunks_written == "all"


@pytest.mark.parametrize("dtype", ["f4", ">i2", "U3", "M8[ns]", "c16", "?"])
def test_every_kind_of_dtype_is_stored(bucket: BucketStorage, api: Api, dtype: str) -> None:
    array = np.frombuffer(octets(np.dtype(dtype), 60), dtype).reshape(3, 4, 5)
    create(api, "x", array)
    assert api.send("PUT", "/array/full/x", array.tobytes(), OCTETS).status_code == 200
    assert read(api, "x", dtype).tobytes() == array.tobytes()
    create(api, "scalar", np.array(3.5))
    assert api.send("PUT", "/array/full/scalar", np.array(2.5).tobytes(), OCTETS).status_code == 200
    assert api.send("PUT", "/array/full/scalar", np.array(1.5).tobytes(), OCTETS).status_code == 200
    bucket.tend(min_age=0)
    assert read(api, "scalar", "f8") == 1.5


def test_other_programs_read_an_array_as_plain_zarr(bucket: BucketStorage, api: Api) -> None:
    frames = np.arange(3 * ROWS, dtype="f8").reshape(3, ROWS)
    node = create(api, "x", frames[:1])
    for number in range(3):
        patch(api, "x", (number, 0), frames[number : number + 1])
    frames[1] = -1
    patch(api, "x", (1, 0), frames[1:2])
    bucket.tend(min_age=0)
    location = bucket.objects.location
    prefix = f"{bucket.objects.prefix}/{node_folder(node.uuid)}"
    store = S3Store(
        location.bucket,
        prefix=prefix,
        endpoint=location.endpoint,
        access_key_id=location.access_key_id,
        secret_access_key=location.secret_access_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    opened = zarr.open_array(ZarrObjectStore(store, read_only=True), mode="r")
    assert (np.asarray(opened[:]) == frames).all()


def test_a_lost_chunk_is_an_error_and_one_never_written_is_zeros(
    bucket: BucketStorage, api: Api
) -> None:
    node = create(api, "x", np.zeros((3, ROWS)), [[1, 1, 1], [ROWS]])
    patch(api, "x", (1, 0), np.ones((1, ROWS)))
    bucket.objects.delete([f"{node_folder(node.uuid)}/c/1/0"])
    response = api.get("/array/full/x?slice=1", accept=OCTETS)
    assert response.status_code == 410
    assert b"c/1/0" in response.content
    assert not read(api, "x", "f8", "?slice=0").any()


def test_readers_of_an_overwrite_see_it_whole_or_not_at_all(
    bucket: BucketStorage, api: Api
) -> None:
    create(api, "x", np.zeros((12, ROWS)), [[1] * 12, [ROWS]])
    assert api.send("PUT", "/array/full/x", bytes(12 * ROWS * 8), OCTETS).status_code == 200
    seen: list[Any] = []
    over = threading.Event()

    def watch() -> None:
        reader = Api()
        while not over.is_set():
            seen.append(np.unique(read(reader, "x", "f8")))

    from django.db import connections

    def watching() -> None:
        try:
            watch()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=watching) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for value in range(1, 15):
            body = np.full((12, ROWS), float(value)).tobytes()
            assert api.send("PUT", "/array/full/x", body, OCTETS).status_code == 200
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert len(seen) > 5
    assert all(len(values) == 1 for values in seen)


def test_replaced_objects_go_once_no_reader_needs_them(bucket: BucketStorage, api: Api) -> None:
    node = create(api, "x", np.zeros((2, ROWS)), [[1, 1], [ROWS]])
    for value in (1.0, 2.0, 3.0):
        body = np.full((2, ROWS), value).tobytes()
        assert api.send("PUT", "/array/full/x", body, OCTETS).status_code == 200
    assert len(names(bucket, node)) == 7
    bucket.tend()
    assert len(names(bucket, node)) == 7, "they are young"

    bucket.tend(min_age=0)

    assert len(names(bucket, node)) == 5
    assert not ReplacedObject.objects.exists()
    assert (read(api, "x", "f8") == 3).all()
    plain = bucket.objects.get(f"{node_folder(node.uuid)}/c/0/0")
    assert (np.frombuffer(plain, "f8") == 3).all()


def test_the_cleanup_removes_what_no_row_names_and_nothing_else(
    bucket: BucketStorage, api: Api
) -> None:
    node = create(api, "x", np.zeros((2, ROWS)), [[1, 1], [ROWS]])
    gone = create(api, "gone", np.zeros((2, ROWS)))
    patch(api, "x", (0, 0), np.ones((1, ROWS)))
    patch(api, "x", (0, 0), np.full((1, ROWS), 2.0))
    before = names(bucket, node)
    folder = node_folder(node.uuid)
    bucket.objects.put(f"{folder}/v/1.0-abcdef", b"of an interrupted write")
    bucket.objects.put(f"{folder}/c/1/0", b"of another")
    bucket.objects.put("unrelated", b"of somebody else")
    generation = DataSource.objects.get(node=node).generation
    Node.objects.filter(pk=gone.pk).delete()

    assert (remove_orphaned_files(), remove_orphaned_folders()) == (0, 0), "they are young"
    assert (remove_orphaned_files(min_age=0), remove_orphaned_folders(min_age=0)) == (2, 1)

    assert names(bucket, node) == before
    assert names(bucket, gone) == []
    assert bucket.objects.exists("unrelated")
    assert DataSource.objects.get(node=node).generation > generation
    # The plain name of a chunk was taken by an interrupted write: another object is current.
    bucket.objects.put(f"{folder}/c/1/0", b"of another")
    patch(api, "x", (1, 0), np.full((1, ROWS), 5.0))
    assert (read(api, "x", "f8", "?slice=1") == 5).all()


def test_a_deleted_node_leaves_nothing(bucket: BucketStorage, api: Api) -> None:
    node = create(api, "x", np.zeros((2, ROWS)))
    patch(api, "x", (0, 0), np.ones((2, ROWS)))
    patch(api, "x", (0, 0), np.ones((1, ROWS)))
    assert api.send("DELETE", "/metadata/x?external_only=false").status_code in (200, 204)
    assert names(bucket, node) == []
    assert not Chunk.objects.exists()


def test_a_part_of_a_large_chunk_is_read_alone(bucket: BucketStorage, api: Api) -> None:
    stack = np.arange(64 * 128 * 128, dtype="u4").reshape(64, 128, 128)
    node = create(api, "x", stack)
    assert api.send("PUT", "/array/full/x", stack.tobytes(), OCTETS).status_code == 200
    assert names(bucket, node) == ["c/0/0/0", "zarr.json"]
    found = read(api, "x", "u4", "?slice=10:20:3,5:7,::2")
    assert (found == stack[10:20:3, 5:7, ::2].reshape(-1)).all()


def test_an_unreachable_bucket_is_reported_and_nothing_is_stored(use: Any, api: Api) -> None:
    use("")
    create(api, "x", np.zeros((2, ROWS)))
    use("", endpoint="http://127.0.0.1:1", retry_timeout=0.0)
    response = api.send("PUT", "/array/full/x", bytes(2 * ROWS * 8), OCTETS)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert DataSource.objects.get(node__path="x").chunks_written == "none"
    structure = ArrayStructure.from_array(np.zeros(3))
    assert api.create("y", "array", structure).status_code == 503
    assert not Node.objects.filter(path="y").exists()
