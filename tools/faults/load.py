"""Writers, and what they know: which of their operations were acknowledged."""

from __future__ import annotations

import io
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import requests

from tiled_client.wire.structures import ArrayStructure, TableStructure

OCTETS = "application/octet-stream"
ARROW = "application/vnd.apache.arrow.file"
SCHEMA = pa.schema([("operation", pa.int64())])
WIDTH = 64
NAMES = ("counts", "rows", "table")
APPENDED = ("rows", "table")
TIMEOUT = 30.0
PAUSE = 0.05
PATIENCE = 60.0

# Above the numbers of all writers.
LAST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Operation:
    """A write of `number` to a node; acknowledged, refused, or of unknown outcome (None)."""

    name: str
    number: int
    acknowledged: bool | None


@dataclass
class Load:
    """Writers to one server until `stop`, each in a thread of its own."""

    uri: str
    api_key: str
    root: str = field(default_factory=lambda: f"faults-{secrets.token_hex(4)}")
    operations: list[Operation] = field(default_factory=list)
    statuses: Counter[int | None] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def prepare(self) -> None:
        """Create the nodes. Raises HTTPError."""
        array, rows = np.zeros(WIDTH, "i8"), np.zeros((1, WIDTH), "i8")
        self._create("", self.root, "container", None)
        self._create(self.root, "counts", "array", ArrayStructure.from_array(array))
        self._create(self.root, "rows", "array", ArrayStructure.from_array(rows))
        self._create(self.root, "table", "table", TableStructure.from_schema(SCHEMA))

    def start(self) -> None:
        """Begin to write: two writers to each table and array that may have several."""
        writers = [self._overwrite, self._overwrite, self._append_rows]
        writers += [self._append_to_table, self._append_to_table]
        for index, writer in enumerate(writers):
            thread = threading.Thread(target=writer, args=(1_000_000 * (index + 1),))
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop when each writer knows the outcome of what it is about, and write once more.

        An overwrite that failed may have changed what is stored; the last one has not failed.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        number, deadline = LAST, time.monotonic() + PATIENCE
        while not self._overwrite_once(number) and time.monotonic() < deadline:
            number += 1
            time.sleep(PAUSE)

    def stored(self) -> dict[str, list[int]]:
        """Return the numbers that the nodes hold now, in order. Raises HTTPError."""
        octets, arrow = {"Accept": OCTETS}, {"Accept": ARROW}
        counts = np.frombuffer(self._read(f"array/full/{self.root}/counts", octets), "i8")
        rows = np.frombuffer(self._read(f"array/full/{self.root}/rows", octets), "i8")
        table = pa.ipc.open_file(self._read(f"table/full/{self.root}/table", arrow)).read_all()
        return {
            "counts": np.unique(counts).tolist(),
            "rows": rows.reshape(-1, WIDTH)[1:, 0].tolist(),
            "table": table["operation"].to_pylist(),
        }

    def _overwrite(self, number: int) -> None:
        while not self._stop.wait(random.expovariate(1 / PAUSE)):
            number += 1
            self._overwrite_once(number)

    def _overwrite_once(self, number: int) -> bool:
        body = np.full(WIDTH, number, "i8").tobytes()
        status = self._send("PUT", f"array/full/{self.root}/counts", body, OCTETS)
        known = None if status is None or status >= 500 else status == 200
        self.operations.append(Operation("counts", number, known))
        return bool(known)

    def _append_rows(self, number: int) -> None:
        offset = 1
        while not self._stop.wait(random.expovariate(1 / PAUSE)):
            number += 1
            address = f"array/full/{self.root}/rows?offset={offset},0&shape=1,{WIDTH}&extend=true"
            body = np.full(WIDTH, number, "i8").tobytes()
            if not self._repeat("rows", number, address, body, OCTETS):
                return  # Where the next row belongs is not known any more.
            offset += 1

    def _append_to_table(self, number: int) -> None:
        while not self._stop.wait(random.expovariate(1 / PAUSE)):
            number += 1
            body = table_bytes(number)
            self._repeat("table", number, f"table/partition/{self.root}/table?partition=0", body)

    def _repeat(
        self, name: str, number: int, address: str, body: bytes, media_type: str = ARROW
    ) -> bool:
        """Send a write under a key of its own until its outcome is known."""
        deadline = time.monotonic() + PATIENCE
        acknowledged: bool | None = None
        while acknowledged is None and time.monotonic() < deadline:
            status = self._send("PATCH", address, body, media_type, f"operation-{number}")
            if status is not None and status < 500 and status != 429:
                acknowledged = status == 200
            else:
                time.sleep(PAUSE)
        self.operations.append(Operation(name, number, acknowledged))
        return bool(acknowledged)

    def _send(
        self, method: str, address: str, body: bytes, media_type: str, key: str | None = None
    ) -> int | None:
        headers = {**self._credentials(), "Content-Type": media_type}
        if key is not None:
            headers["Idempotency-Key"] = key
        status: int | None = None
        try:
            answer = requests.request(
                method, f"{self.uri}/api/v1/{address}", data=body, headers=headers, timeout=TIMEOUT
            )
            status = answer.status_code
        except requests.RequestException:
            pass
        self.statuses[status] += 1
        return status

    def _create(self, parent: str, key: str, family: str, structure: object) -> None:
        node: dict[str, object] = {"id": key, "structure_family": family}
        node |= {"metadata": {}, "specs": []}
        if isinstance(structure, ArrayStructure | TableStructure):
            source = {"structure_family": family, "structure": structure.to_json()}
            node["data_sources"] = [{**source, "management": "writable"}]
        address = f"{self.uri}/api/v1/metadata/{parent}"
        requests.post(
            address, json=node, headers=self._credentials(), timeout=TIMEOUT
        ).raise_for_status()

    def _read(self, address: str, headers: dict[str, str]) -> bytes:
        def get() -> requests.Response:
            headers_of_all = {**self._credentials(), **headers}
            return requests.get(
                f"{self.uri}/api/v1/{address}", headers=headers_of_all, timeout=TIMEOUT
            )

        answer = patiently(get)
        answer.raise_for_status()
        return answer.content

    def _credentials(self) -> dict[str, str]:
        return {"Authorization": f"Apikey {self.api_key}"}


def patiently(get: Callable[[], requests.Response]) -> requests.Response:
    """Return the first answer that is no passing failure, or the last one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = get()
        if answer.status_code < 500 or time.monotonic() > deadline:
            return answer
        time.sleep(PAUSE)


def table_bytes(number: int) -> bytes:
    """Return a table of one row as an Arrow IPC file."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(pa.table({"operation": [number]}, schema=SCHEMA))
    return sink.getvalue()
