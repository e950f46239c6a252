"""The JavaScript client against a real server, by Node's own test runner."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward
import h5py
import numpy as np
import pandas
import pyarrow
import pytest
import ragged
import sparse

from tests.client.wire.compressed_frames import compressed, sparse_frames
from tests.conftest import API_KEY
from tests.servers import PROJECT
from tests.web.browser import chromium
from tests.web.browser import site as static_site
from tests.web.compressed_cases import STREAMED, cases
from tests.web.conftest import watched_page
from tests.web.js_site import JavaScriptSite, control_channel
from tiled_client import (
    ArrayStructure,
    Asset,
    DataSource,
    Management,
    StructureFamily,
    TableStructure,
    from_uri,
)

TESTS = Path(__file__).parent / "client"
# The last one empties the cache, where the others find the updates of the nodes written first.
FILES = ("decode", "read", "stream", "compressed", "resume")
CLIENT = PROJECT / "web" / "static" / "web" / "tiled-stream-client"
TOOLING = PROJECT / "web" / "tooling"
PAGE = PROJECT / "docs" / "how-to" / "use-from-javascript.md"
NODE = shutil.which("node")

BLOCK = re.compile(r"^```(py|js|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")
needs_packages = pytest.mark.skipif(
    not (TOOLING / "node_modules" / "ws").exists(),
    reason="the packages of web/tooling are not installed: run npm ci there",
)

ARRAYS: dict[str, Any] = {
    "u1": np.arange(6, dtype="u1").reshape(2, 3),
    "i2-big": np.array([-1, 256], dtype=">i2"),
    "i8": np.array([-(2**62), 5]),
    "u8-big": np.array([2**63, 1], dtype=">u8"),
    "f2": np.array([0.5, -2.0, 6e-8, 65504.0], dtype="f2"),
    "f4": np.array([[1.5], [2.5]], dtype="f4"),
    "f8-big": np.array([1e300, -0.25], dtype=">f8"),
    "c8": np.array([1 + 2j, 0.5 - 3.5j], dtype="c8"),
    "bool": np.array([True, False]),
    "text": np.array(["ab", "ç😀"]),
    "bytes": np.array([b"ab", b"c"]),
    "scalar": np.array(7, dtype="i4"),
    "empty": np.zeros((0, 3)),
    "record": np.array(
        [(1, 2.5, [1, 2]), (2, 3.5, [3, 4])],
        dtype=[("a", "<i4"), ("b", ">f8"), ("c", "u1", (2,))],
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, valkey: str) -> Iterator[JavaScriptSite]:
    """A server with nodes of all families and data types."""
    site = JavaScriptSite(tmp_path_factory.mktemp("javascript"), valkey)
    try:
        _write_nodes(site.server.uri)
        _register_files(site.server.uri, site.readable)
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def surroundings(
    site: JavaScriptSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of the tests: where the server and its control are, what its arrays hold."""
    expected = tmp_path_factory.mktemp("expected") / "arrays.json"
    expected.write_text(json.dumps({key: _plain(array) for key, array in ARRAYS.items()}))
    payloads = expected.with_name("compressed.json")
    payloads.write_text(json.dumps(cases()))
    with control_channel(site) as control:
        yield {
            **os.environ,
            "TILED_URL": site.server.uri,
            "TILED_KEY": API_KEY,
            "TILED_CONTROL": control,
            "TILED_EXPECTED": str(expected),
            "TILED_COMPRESSED": str(payloads),
        }


@needs_node
@needs_packages
@pytest.mark.parametrize("name", FILES)
def test_the_client_passes_its_tests(name: str, surroundings: dict[str, str]) -> None:
    assert NODE is not None
    path = TESTS / f"{name}.test.mjs"
    command = [NODE, "--test", "--test-reporter=tap", "--test-timeout=100000", str(path)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_of_tests_is_left_out() -> None:
    assert {f"{name}.test.mjs" for name in FILES} == {path.name for path in TESTS.glob("*.test.*")}


@needs_node
@needs_packages
def test_the_types_are_those_of_the_sources(tmp_path: Path) -> None:
    compiler = TOOLING / "node_modules" / "typescript" / "bin" / "tsc"
    assert NODE is not None
    command = [NODE, compiler, "--project", "tsconfig.client.json", "--outDir", tmp_path]
    done = subprocess.run(list(map(str, command)), cwd=TOOLING, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert _texts(tmp_path) == _texts(CLIENT / "types"), "Run npm run types in web/tooling."


@needs_node
@needs_packages
def test_the_page_prints_what_it_says(site: JavaScriptSite, tmp_path: Path) -> None:
    blocks: dict[str, list[str]] = {"py": [], "js": [], "text": []}
    for kind, content in BLOCK.findall(PAGE.read_text()):
        blocks[kind].append(content.replace("http://localhost:8000", site.server.uri))
    exec(compile("".join(blocks["py"]), str(PAGE), "exec"), {})
    packages = tmp_path / "node_modules"
    packages.mkdir()
    # A copy, as npm makes one: a link would be followed, and ws not be found from there.
    shutil.copytree(CLIENT, packages / "tiled-stream-client")
    (packages / "ws").symlink_to(TOOLING / "node_modules" / "ws")
    script = tmp_path / "page.mjs"
    script.write_text("".join(blocks["js"]))
    assert NODE is not None
    command = [NODE, "--unhandled-rejections=strict", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(blocks["text"])


def test_a_browser_decompresses_updates_under_the_policy_of_the_page() -> None:
    frame = sparse_frames(13, 80)
    names = ("bitshuffle-lz4", "lz4")
    payloads = [base64.b64encode(compressed(name, frame)).decode() for name in names]
    script = """async ([payloads, names, shape]) => {
      const { Update } = await import("/static/web/tiled-stream-client/src/stream/update.js");
      const data_type = { kind: "u", itemsize: 2, endianness: "little" };
      const data = names.map((encoding, n) => {
        const payload = Uint8Array.from(atob(payloads[n]), (one) => one.charCodeAt(0));
        const message = { type: "array-data", sequence: 1, payload, encoding, shape, data_type };
        return new Update(null, "x", message, {}, 0).data();
      });
      return (await Promise.all(data)).map((array) => [...array.data]);
    }"""
    with static_site() as address, chromium() as browser, watched_page(browser) as page:
        page.goto(f"{address}/tests/image/page.html")
        found = page.evaluate(script, [payloads, names, frame.shape])
    assert found == [frame.ravel().tolist()] * 2


def test_the_package_has_no_imports_from_outside() -> None:
    for path in (CLIENT / "src").rglob("*.js"):
        if path.parent.name == "vendor":
            continue
        for target in re.findall(r'(?:from|import)\s*\(?"([^"]+)"', path.read_text()):
            found = (path.parent / target).resolve()
            assert found.is_relative_to(CLIENT / "src"), f"{path}: {target}"
            assert found.exists(), f"{path}: {target}"


def _write_nodes(uri: str) -> None:
    root = from_uri(uri, api_key=API_KEY)
    arrays = root.create_container("arrays", metadata={"sample": "Cu", "n": 1})
    for key, array in ARRAYS.items():
        arrays.write_array(array, key=key)
    times = np.array(["2020-01-01T00:00:00.000000001", "NaT"], dtype="M8[ns]")
    root.write_array(times, key="times")
    table = pandas.DataFrame({"x": np.arange(10), "name": [f"n{n}" for n in range(10)]})
    root.write_table(table, key="table")
    root.write_table({"n": [7, 7]}, key="alike")
    coordinates, values = np.array([[0, 2], [1, 1]]), np.array([5.0, 6.0])
    root.write_sparse(sparse.COO(coordinates, values, shape=(3, 4)), key="sparse")
    items = [{"x": 1, "y": [0.5], "s": "a", "o": None}, {"x": 2, "y": [], "s": "ü", "o": 3}]
    root.write_awkward(awkward.Array(items), key="awkward")
    frames = root.write_array(np.empty((0, 64, 80), "<u2"), key="compressed")
    with frames.writer() as writer:
        for encoding, frame in STREAMED:
            writer.append(compressed(encoding, frame), encoding=encoding)
    root.write_ragged(ragged.array([[1, 2], [], [3]]), key="ragged")


def _register_files(uri: str, folder: Path) -> None:
    """Register files of each kind, and announce what was added to them."""
    root = from_uri(uri, api_key=API_KEY)

    def files(*names: str) -> list[Asset]:
        return [
            Asset(f"file://localhost{folder / name}", False, parameter="data_uris", num=number)
            for number, name in enumerate(names)
        ]

    def new(family: StructureFamily, key: str, structure: Any, mimetype: str, name: str) -> Any:
        assets, external = files(name), Management.external
        source = DataSource(family, structure, mimetype, assets=assets, management=external)
        return root.new(family, [source], key=key)

    for number in range(2):
        np.save(folder / f"{number}.npy", np.full((1, 2, 2), number, dtype="u2"))
    stack = ArrayStructure.from_array(np.zeros((1, 2, 2), dtype="u2"))
    kind = "multipart/related;type=application/x-npy"
    images = new(StructureFamily.array, "images", stack, kind, "0.npy")
    [source] = images.data_sources()
    source.structure, source.assets = stack.with_shape((2, 2, 2)), files("0.npy", "1.npy")
    images.update_data_source(source)
    images.update_data_source(source, offset=(1, 0, 0), shape=(1, 2, 2))

    (folder / "log.csv").write_text("n,half\n1,0.5\n2,1.0\n")
    schema = pyarrow.schema({"n": pyarrow.int64(), "half": pyarrow.float64()})
    columns = TableStructure.from_schema(schema)
    new(StructureFamily.table, "log", columns, "text/csv", "log.csv").rows_added(1, 1)

    with h5py.File(folder / "scan.h5", "w") as file:
        file["entry/data"] = np.arange(6, dtype="f4").reshape(2, 3)
    new(StructureFamily.container, "file", None, "application/x-hdf5", "scan.h5")


def _plain(array: Any) -> Any:
    """Return what `nest` of the client gives, with large integers as text."""
    if array.dtype.names:
        rows = [{name: row[name] for name in array.dtype.names} for row in array]
        return [{name: np.asarray(value).tolist() for name, value in row.items()} for row in rows]
    if array.dtype.kind == "c":
        return [[float(value.real), float(value.imag)] for value in array]
    if array.dtype.kind == "S":
        return [value.decode("latin-1") for value in array.tolist()]
    if array.dtype.itemsize == 8 and array.dtype.kind in "iu":
        return list(map(str, array.tolist()))
    return array.tolist()


def _texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.d.ts")}
