"""Nodes and data of a running server of Tiled, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import requests
from urllib3.util.retry import Retry

from catalog.config import storage_settings
from catalog.storage import external
from catalog.storage.errors import StorageError
from tiled_client.wire import buffers
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, structure_from_json

from ..errors import ImportRefused, NotImportable
from ..report import ImportReport
from .database import as_time
from .records import NodeValues, SourceData, SourceNode, SourceRevision

PAGE = 100
TIMEOUT = (10, 300)
ARROW = "application/vnd.apache.arrow.file"
EMBEDDED = "embedded"


class TiledServer:
    """A connection to a server, which repeats requests that fail for a moment."""

    def __init__(self, address: str, api_key: str | None) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ImportRefused(
                f"--from {address} is not the address of a server; write it as in "
                "https://tiled.example.org."
            )
        self.base = address.rstrip("/").removesuffix("/api/v1") + "/api/v1"
        self._session = requests.Session()
        retry = Retry(5, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))
        if api_key:
            self._session.headers["Authorization"] = f"Apikey {api_key}"

    def get(self, address: str, **parameters: Any) -> requests.Response:
        """Return the response. Raises NotImportable if the server refuses, or is out of reach."""
        url = address if address.startswith("http") else f"{self.base}/{address}"
        try:
            response = self._session.get(url, params=parameters, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise ImportRefused(f"{self.base} does not respond: {error}") from error
        if response.status_code in (401, 403):
            raise ImportRefused(
                f"{self.base} does not allow reading {address}; give an --api-key with the scopes "
                "read:metadata and read:data."
            )
        if not response.ok:
            raise NotImportable(f"Tiled responds with {response.status_code}: {_detail(response)}")
        return response

    def json(self, address: str, **parameters: Any) -> Any:
        """Return the decoded JSON of a response."""
        return self.get(address, **parameters).json()


@dataclass(frozen=True, slots=True)
class ServerSource:
    """The catalog of a server, or what is at the path `only` and below.

    With `revisions`, one more request per node reads its revisions.
    """

    server: TiledServer
    report: ImportReport
    revisions: bool = False
    only: tuple[str, ...] = ()

    def count(self) -> int | None:
        """Return None: only the children of one container are counted."""
        return None

    def batches(self) -> Iterator[list[SourceNode]]:
        """Yield all nodes but the root, parents before children, depth first."""
        for end in range(1, len(self.only) + 1):
            keys = self.only[:end]
            try:
                found = self.server.json(f"metadata/{_path(keys)}", include_data_sources="true")
            except NotImportable as error:
                raise ImportRefused(f"--only {'/'.join(self.only)}: {error}.") from error
            yield [self._node(keys[:-1], found["data"])]
        pending: list[tuple[str, ...]] = [self.only]
        while pending:
            above = pending.pop()
            for page in self._pages(above):
                nodes = [self._node(above, item) for item in page]
                yield nodes
                pending += [
                    node.keys for node in nodes if node.family == "container" and not node.sources
                ]

    def values(self, node: SourceNode, data: SourceData) -> NodeValues:
        """Return access to the data of a node."""
        return ServerValues(self.server, node, data)

    def _pages(self, keys: tuple[str, ...]) -> Iterator[list[Any]]:
        address: str | None = f"search/{_path(keys)}"
        parameters: dict[str, Any] = {"page[limit]": PAGE, "include_data_sources": "true"}
        while address:
            try:
                found = self.server.json(address, **parameters)
            except NotImportable as error:
                self.report.find(
                    f"The contents of a container are missing: {error}", "/".join(keys)
                )
                return
            if found["data"]:
                yield found["data"]
            address, parameters = (found.get("links") or {}).get("next"), {}

    def _node(self, above: tuple[str, ...], item: Mapping[str, Any]) -> SourceNode:
        attributes, keys = item["attributes"], (*above, item["id"])
        family = attributes["structure_family"]
        sources = [_source(one) for one in attributes.get("data_sources") or ()]
        if sources and family == "container" and not is_readable_here(sources[0]):
            sources = []  # a file that this server cannot open: its contents are read as nodes
        if not sources and family != "container":
            # Inside of a file.
            sources = [SourceData(None, family, attributes["structure"], EMBEDDED)]
        return SourceNode(
            identity="over HTTP",
            keys=keys,
            family=family,
            metadata=attributes.get("metadata"),
            specs=attributes.get("specs"),
            time_created=None,
            time_updated=None,
            tags=list(attributes.get("access_tags") or ()),
            sources=sources,
            revisions=self._revisions(keys) if self.revisions else [],
        )

    def _revisions(self, keys: tuple[str, ...]) -> list[SourceRevision]:
        found: list[SourceRevision] = []
        address: str | None = f"revisions/{_path(keys)}"
        while address:
            try:
                page = self.server.json(address)
            except NotImportable:
                return []  # inside of a file
            for one in page["data"]:
                values = one["attributes"]
                when = as_time(values["time_updated"])
                assert when is not None
                found.append(
                    SourceRevision(
                        int(one["revision_number"]), values["metadata"], values["specs"], when
                    )
                )
            address = (page.get("links") or {}).get("next")
        return found


@dataclass(frozen=True, slots=True)
class ServerValues:
    """The data of one node of a server."""

    server: TiledServer
    node: SourceNode
    data: SourceData

    def array(self, region: tuple[slice, ...]) -> np.ndarray[Any, Any]:
        """Return a region of an array. Raises NotImportable."""
        structure = structure_from_json(StructureFamily.array, self.data.structure)
        assert isinstance(structure, ArrayStructure)
        selected = ",".join(f"{part.start}:{part.stop}" for part in region)
        body = self._get(
            "array/full",
            format="application/octet-stream",
            **({"slice": selected} if selected else {}),
        )
        shape = tuple(part.stop - part.start for part in region)
        try:
            return np.frombuffer(body, structure.dtype).reshape(shape)
        except ValueError as error:
            raise NotImportable(f"Tiled sent {len(body)} bytes for {shape}") from error

    def tables(self, partition: int) -> Iterator[pa.Table]:
        """Yield the rows of one partition. Raises NotImportable."""
        body = self._get("table/partition", partition=partition, format=ARROW)
        yield _table(body)

    def sparse_block(self, number: int, block: tuple[int, ...]) -> pa.Table | None:
        """Return coordinates and values of a block."""
        table = _table(self._get("array/block", block=",".join(map(str, block)), format=ARROW))
        return table.select([n for n in table.column_names if not n.startswith("__index_level")])

    def buffers(self) -> dict[str, bytes]:
        """Return the buffers of an awkward array."""
        try:
            return buffers.unzip_members(self._get("awkward/full", format=buffers.ZIP))
        except WireError as error:
            raise NotImportable(str(error)) from error

    def ragged_chunks(self) -> Iterator[tuple[int, Any]]:
        """Yield the chunks of a ragged array: number, and `awkward.Array`."""
        start = 0
        for number, rows in enumerate(self.data.structure["chunks"][0] or ()):
            selected, start = f"{start}:{start + rows}", start + rows
            body = self._get("ragged/full", slice=selected, format=buffers.ZIP)
            try:
                yield number, buffers.ragged_array(body)
            except WireError as error:
                raise NotImportable(str(error)) from error

    def _get(self, endpoint: str, **parameters: Any) -> bytes:
        return self.server.get(f"{endpoint}/{_path(self.node.keys)}", **parameters).content


def _path(keys: tuple[str, ...]) -> str:
    return "/".join(quote(key, safe="") for key in keys)


def _source(value: Mapping[str, Any]) -> SourceData:
    return SourceData(
        mimetype=value["mimetype"],
        family=value["structure_family"],
        structure=value["structure"],
        management=value["management"],
        parameters=value.get("parameters") or {},
        properties=value.get("properties") or {},
        assets=[
            Asset(one["data_uri"], one["is_directory"], one.get("parameter"), one.get("num"))
            for one in value.get("assets") or ()
        ],
    )


def is_readable_here(data: SourceData) -> bool:
    """Return whether these external files are on this machine, and may be read here."""
    family = StructureFamily(data.family)
    known = family is StructureFamily.bytes or data.mimetype in external.mimetypes(family)
    if not data.external or not data.assets or not known:
        return False
    try:
        paths = [
            external.resolve_uri(asset.data_uri, storage_settings().readable)
            for asset in (*data.assets[:1], *data.assets[-1:])
        ]
    except StorageError:
        return False
    return all(path.exists() for path in paths)


def _table(body: bytes) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.py_buffer(body)).read_all()
    except (pa.ArrowException, OSError) as error:
        raise NotImportable(f"Tiled sent no Arrow file: {error}") from error


def _detail(response: requests.Response) -> str:
    try:
        return str(response.json()["detail"])[:200]
    except (ValueError, LookupError, TypeError):
        return response.reason
