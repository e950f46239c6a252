"""What a decoder can do that a file has taken over: nothing but to end its own process."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numcodecs
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest
import zarr

from catalog.storage import confined_processes, external, files
from catalog.storage.confined import landlock, seccomp
from catalog.storage.confined.confinement import Protection
from catalog.storage.confined_processes import Limits
from catalog.storage.errors import (
    MissingFile,
    NotReady,
    OutsideReadable,
    StorageError,
    Unreadable,
    Unsupported,
)
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.structures import ArrayStructure

from ..symlink_swapper import swapped

MEMORY = 150_000_000
BOMB = 2 * MEMORY
FORMAT = "tests.catalog.storage.confined.hostile_format:FORMAT"
LIMITS = Limits(processes=2, memory=MEMORY, seconds=30)
ONE = ArrayStructure.from_array(np.ones(1, "u1"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all of this lies; the processes know the hostile format."""
    place = tmp_path_factory.mktemp("confined")
    before = dataclasses.replace(confined_processes.configuration)
    external.configure(lambda: LIMITS, adapters=[FORMAT], private=[place / "data"])
    external.register(external.load(FORMAT))
    (place / "data").mkdir()
    (place / "data" / "api_key").write_bytes(b"secret, secret")
    yield place
    external.configure(before.limits, adapters=before.adapters, private=before.private)


@pytest.fixture
def folder(place: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A readable folder with a file of the hostile format, beside a secret."""
    allowed = place / re.sub(r"\W", "-", request.node.name)
    allowed.mkdir()
    (allowed / "a.hostile").touch()
    os.utime(allowed / "a.hostile", (0, 0))
    yield allowed
    limited(LIMITS)


def limited(limits: Limits) -> None:
    confined_processes.configuration.limits = lambda: limits


def attempt(folder: Path, do: str, argument: Any = None) -> None:
    asset = Asset(files.file_uri(folder / "a.hostile"), False)
    parameters = {"do": do, "with": argument if isinstance(argument, int | float) else None}
    if argument is not None:
        parameters["with"] = str(argument) if isinstance(argument, Path) else argument
    found = external.read_array("image/x-hostile", [asset], parameters, ONE, (), readable=[folder])
    assert found.tolist() == [1]


needs_landlock = pytest.mark.skipif(not landlock.version(), reason="no Landlock here")
needs_seccomp = pytest.mark.skipif(not seccomp.is_supported(), reason="no filter for this machine")


@needs_landlock
def test_no_file_is_opened_but_readable_ones_and_none_is_changed(folder: Path) -> None:
    secret, own = folder.parent / "data" / "api_key", folder / "own"
    own.write_bytes(b"x")
    (folder / "way out").symlink_to(secret.parent)
    attempt(folder, "read", own)
    attempt(folder, "list", folder)
    for do, path in [
        ("read", secret),
        ("read", folder / "way out" / "api_key"),
        ("read", Path("/etc/passwd")),
        ("read", Path(f"/proc/{os.getpid()}/environ")),
        ("list", folder.parent),
        ("list", Path("/")),
        ("write", folder / "new"),
        ("write", folder.parent / "new"),
        ("append", own),
        ("remove", own),
        ("link", own),
    ]:
        with pytest.raises(Unreadable, match=r"denied|permitted"):
            attempt(folder, do, path)
    assert own.read_bytes() == b"x"


def test_the_server_answers_for_no_object_that_was_not_requested(folder: Path) -> None:
    for uri in ("s3://bucket/a.npy", f"{folder}/a.hostile", "/etc/passwd", "s3://", ""):
        for do in ("ask", "ask for names"):
            with pytest.raises((OutsideReadable, Unsupported)):
                attempt(folder, do, uri)


def test_questions_do_not_extend_the_deadline(folder: Path) -> None:
    attempt(folder, "list", folder)
    limited(dataclasses.replace(LIMITS, seconds=0.5))
    with pytest.raises(Unreadable, match=r"longer than 0\.5 seconds"):
        attempt(folder, "ask forever", "s3://bucket/a.npy")


@needs_landlock
def test_the_hdf5_library_cannot_lead_out_either(folder: Path) -> None:
    secret = folder.parent / "data" / "api_key"
    np.ones(3, "i8").tofile(secret)
    with h5py.File(secret.parent / "x.h5", "w") as file:
        file["x"] = np.ones(3, "i8")
    with h5py.File(folder / "bytes.h5", "w") as file:
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_external(str(secret).encode(), 0, 24)
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT64, space, options)
    layout = h5py.VirtualLayout((3,), "i8")
    layout[:] = h5py.VirtualSource(str(secret.parent / "x.h5"), "x", (3,))
    with h5py.File(folder / "virtual.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    with h5py.File(folder / "link.h5", "w") as file:
        file["x"] = h5py.ExternalLink(str(secret.parent / "x.h5"), "x")
    attempt(folder, "hdf5", folder / "virtual.h5")
    for name in ("bytes.h5", "link.h5"):
        with pytest.raises(Unreadable, match=r"denied|[Uu]nable to"):
            attempt(folder, "hdf5", folder / name)


@needs_seccomp
def test_there_is_no_network_no_other_program_and_no_other_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_SERVER_SECRET_KEY", "secret")
    own = folder / "own"
    own.write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = list(listener.getsockname())
        for do, argument in [
            ("connect", address),
            ("datagram", address),
            ("unix", folder / "socket"),
            ("execute", Path("/bin/true")),
            ("fork", None),
            ("kill", os.getpid()),
            ("trace", os.getpid()),
            ("chmod", own),
            ("utime", own),
        ]:
            with pytest.raises(Unreadable, match=r"permitted|denied"):
                attempt(folder, do, argument)
        with pytest.raises(Unreadable, match="TILED_SERVER_SECRET_KEY"):
            attempt(folder, "environment", "TILED_SERVER_SECRET_KEY")
    # What event loops wake themselves with.
    attempt(folder, "pair")


@pytest.mark.parametrize("do", ["abort", "segfault", "exit"])
def test_a_crash_is_the_end_of_one_request(
    folder: Path, caplog: pytest.LogCaptureFixture, do: str
) -> None:
    attempt(folder, "read", folder / "a.hostile")
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(Unreadable, match=r"process that read it ended .*reader_memory"),
    ):
        attempt(folder, do, 3)
    assert str(folder / "a.hostile") in caplog.text
    attempt(folder, "read", folder / "a.hostile")


def test_a_read_that_takes_too_long_is_ended_and_others_go_on(folder: Path) -> None:
    limited(dataclasses.replace(LIMITS, seconds=1.0))
    errors: list[StorageError] = []

    def hang() -> None:
        try:
            attempt(folder, "wait", 600)
        except StorageError as error:
            errors.append(error)

    attempt(folder, "read", folder / "a.hostile")
    thread = threading.Thread(target=hang)
    thread.start()
    attempt(folder, "read", folder / "a.hostile")
    thread.join()
    assert "longer than 1 seconds (storage.reader_seconds)" in str(errors)
    attempt(folder, "read", folder / "a.hostile")


def test_who_finds_all_processes_at_work_is_asked_to_come_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confined_processes.stop()
    limited(dataclasses.replace(LIMITS, processes=1))
    monkeypatch.setattr(confined_processes, "ACQUIRE_TIMEOUT", 0.2)
    attempt(folder, "read", folder / "a.hostile")
    thread = threading.Thread(target=attempt, args=(folder, "wait", 1.5))
    thread.start()
    with pytest.raises(NotReady, match=r"storage\.readers"):
        while thread.is_alive():
            attempt(folder, "read", folder / "a.hostile")
    thread.join()
    confined_processes.stop()


def deflated_hdf5(folder: Path) -> tuple[str, Path, dict[str, Any]]:
    with h5py.File(folder / "a.h5", "w") as file:
        chunk = (BOMB,)
        dataset = file.create_dataset("x", chunk, "u1", chunks=chunk, compression="gzip")
        dataset.id.write_direct_chunk((0,), numcodecs.Zlib(9).encode(bytes(chunk[0])))
    return "application/x-hdf5", folder / "a.h5", {"dataset": "x"}


def deflated_zarr(folder: Path) -> tuple[str, Path, dict[str, Any]]:
    array = zarr.create_array(
        folder / "a.zarr",
        shape=(1_000_000,),
        chunks=(1_000_000,),
        dtype="u1",
        compressors=numcodecs.Zlib(9),
        zarr_format=2,
        fill_value=7,
    )
    array[:] = 1
    (chunk,) = [p for p in (folder / "a.zarr").iterdir() if p.name == "0"]
    chunk.write_bytes(numcodecs.Zlib(9).encode(bytes(BOMB)))
    return "application/x-zarr", folder / "a.zarr", {}


@pytest.mark.parametrize("make", [deflated_hdf5, deflated_zarr])
def test_what_unpacks_to_more_than_memory_is_refused_with_a_sentence(
    folder: Path, make: Callable[[Path], tuple[str, Path, dict[str, Any]]]
) -> None:
    mimetype, path, parameters = make(folder)
    for each in [path, *path.rglob("*")]:
        os.utime(each, (0, 0))
    asset = Asset(files.file_uri(path), path.is_dir())
    begun = time.monotonic()
    with pytest.raises(Unreadable, match=r"memory|allocat|filter returned failure"):
        external.read_array(mimetype, [asset], parameters, ONE, (), readable=[folder])
    assert time.monotonic() - begun < 15
    with pytest.raises(Unreadable, match=f"more than {MEMORY} bytes of memory"):
        attempt(folder, "allocate", 2 * MEMORY)
    attempt(folder, "allocate", MEMORY // 4)


def test_rows_of_a_parquet_dictionary_are_bounded_by_memory(folder: Path) -> None:
    path = folder / "a.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(BOMB // 20_000, "i4")), ["x" * 20_000])
    pa.parquet.write_table(pa.table({"x": text.cast(pa.string())}), path, compression="zstd")
    os.utime(path, (0, 0))
    assert path.stat().st_size < 10_000
    asset = Asset(files.file_uri(path), False)
    schema = pa.schema({"x": pa.string()})
    rows = external.iter_table_rows(
        "application/x-parquet", [asset], {}, schema, ["x"], slice(None), readable=[folder]
    )
    with pytest.raises(Unreadable, match="memory"):
        list(rows)


@pytest.mark.parametrize(
    "answer",
    [
        "ok",
        ["error", None, False],
        ["error", [[], "", None, False], False],
        ["error", [["NotReady"], "", "soon", False], False],
    ],
    ids=str,
)
def test_an_answer_that_is_none_is_taken_for_a_crash(folder: Path, answer: Any) -> None:
    with pytest.raises(Unreadable, match="process that read it ended"):
        attempt(folder, "answer", answer)


def test_a_sheet_of_two_cells_far_apart_is_refused(folder: Path) -> None:
    path = folder / "a.xlsx"
    workbook = openpyxl.Workbook()
    workbook.active.title = "far"
    workbook.active.cell(1, 16_384, 1)
    workbook.active.cell(100_000, 1, 1)
    workbook.save(path)
    os.utime(path, (0, 0))
    mimetype, asset = external.mimetype_of(path), Asset(files.file_uri(path), False)
    assert mimetype is not None
    with (
        external.open_tree(mimetype, [asset], {}, readable=[folder]) as tree,
        pytest.raises(Unreadable, match="100000 rows and 16384 columns"),
    ):
        tree.entry(["far"])


def test_where_there_are_no_such_processes_the_server_reads_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined_processes, "CONFINED", False)
    confined_processes.stop()
    try:
        attempt(folder, "read", folder / "a.hostile")
        with pytest.raises(MissingFile):
            attempt(folder, "list", folder / "missing")
        with h5py.File(folder / "a.h5", "w") as file:
            file["x"] = np.arange(3)
        asset = Asset(files.file_uri(folder / "a.h5"), False)
        with external.open_tree("application/x-hdf5", [asset], {}, readable=[folder]) as tree:
            assert tree.names([]) == ["x"]
        with h5py.File(folder / "a.h5", "a") as file:
            file["y"] = 1
    finally:
        confined_processes.stop()


def test_what_protects_without_landlock_is_said() -> None:
    assert "storage.readable" in str(Protection(0, True).missing)
    assert "network protocols" in str(Protection(7, False).missing)
    assert Protection(7, True).missing is None


def test_the_fork_server_is_started_again_when_it_was_killed(folder: Path) -> None:
    attempt(folder, "read", folder / "a.hostile")
    assert confined_processes._pools is not None
    process = confined_processes._pools.fork_server._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(Unreadable):
        # The kernel ends its processes with it.
        for _ in range(100):
            attempt(folder, "wait", 0.05)
    attempt(folder, "read", folder / "a.hostile")


def test_a_file_is_closed_with_its_tree(folder: Path) -> None:
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
    asset = Asset(files.file_uri(path), False)
    with external.open_tree("application/x-hdf5", [asset], {}, readable=[folder]) as tree:
        assert tree.names([]) == ["x"]
        with pytest.raises(OSError, match="lock"):
            h5py.File(path, "a")
    with h5py.File(path, "a") as file:
        file["y"] = 1


@needs_landlock
def test_a_folder_that_becomes_a_link_is_never_read_through(folder: Path) -> None:
    inside, outside, aside = folder / "run", folder.parent / "outside", folder / "aside"
    frames = np.zeros((2, 3), "u1")
    for place, data in ((inside, frames), (outside, frames + 1)):
        place.mkdir()
        np.save(place / "a.npy", data)
        os.utime(place / "a.npy", (0, 0))
    asset = Asset(files.file_uri(inside / "a.npy"), False)
    structure = ArrayStructure.from_array(frames)
    read = refused = 0
    with swapped(inside, outside, aside):
        end = time.monotonic() + 1.5
        while time.monotonic() < end or not (read and refused):
            try:
                found = external.read_array(
                    "application/x-npy", [asset], {}, structure, (), readable=[folder]
                )
            except StorageError:
                refused += 1
                continue
            assert not found.any()
            read += 1
