"""One client in one process, which does works and reports how long they took.

Run as a script by the interpreter that has the client: `driver.py {ours|tiled} URI KEY`. Each line
of standard input is a JSON object with the name of a work and a count; each line of standard output
is a list of pairs: seconds, and seconds of processor time of this process, for each repetition.
"""

from __future__ import annotations

import contextlib
import gc
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Step = Callable[[], object]

KEYS = "keys"
MEGABYTE = 10**6


def main() -> None:
    """Do what the lines of standard input say."""
    name, uri, key = sys.argv[1:]
    # A library that prints must not get in the way.
    answers, sys.stdout = sys.stdout, sys.stderr
    works = Works(connection(name, uri, key))
    for line in sys.stdin:
        request = json.loads(line)
        measured = []
        gc.collect()
        with contextlib.closing(works.steps(request["work"])) as steps:
            for _ in range(request["count"]):
                step = next(steps)
                began, cpu = time.perf_counter(), time.process_time()
                result = step()
                taken = time.perf_counter() - began, time.process_time() - cpu
                measured.append(taken)
                del result
        print(json.dumps(measured), file=answers, flush=True)


def connection(name: str, uri: str, key: str) -> Callable[..., Any]:
    """Return a function that connects with one of the clients."""
    if name == "tiled":
        from tiled.client import from_uri as tiled_from_uri

        return lambda **more: tiled_from_uri(uri, api_key=key, **more)
    from tiled_client import from_uri

    # Without the cache, which saves the transfer of the same data.
    options: dict[str, Any] = {"cache": False}
    try:
        from_uri(uri, api_key=key, **options)
    except TypeError:  # a version without it
        options = {}
    return lambda **more: from_uri(uri, api_key=key, **options, **more)


class Works:
    """The works of both clients. Each is a generator of steps, whose calls are measured."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self._connect = connect
        self._client = connect()
        self._kept: dict[str, Any] = {}

    def steps(self, work: str) -> Iterator[Step]:
        """Yield the steps of a work, without end."""
        name, _, size = work.partition(" ")
        yield from getattr(self, f"_{name}")(*([int(size)] if size else []))

    def _connecting(self) -> Iterator[Step]:
        while True:
            yield self._connect

    def _lookup(self) -> Iterator[Step]:
        key = self._array(8000).uri.rpartition("/")[2]
        while True:
            yield lambda: self._client[key]

    def _read(self, size: int) -> Iterator[Step]:
        node = self._array(size)
        while True:
            yield node.read

    def _slice(self) -> Iterator[Step]:
        node = self._array(4 * MEGABYTE)
        while True:
            yield lambda: node[50_000:51_000]

    def _overwrite(self, size: int) -> Iterator[Step]:
        node, values = self._array(size), _noise(size)
        while True:
            yield lambda: node.write(values)

    def _create(self, size: int) -> Iterator[Step]:
        values = _noise(size)
        while True:
            key = f"a{secrets.token_hex(6)}"
            yield lambda key=key: self._client.write_array(values, key=key)  # type: ignore[misc]
            self._client.delete_contents([key], external_only=False)

    def _append(self) -> Iterator[Step]:
        # Not a data frame, with whose index Tiled's client appends another column.
        rows = pa.table({name: np.arange(100.0) for name in "abcde"})
        if "rows" not in self._kept:
            key = f"t{secrets.token_hex(6)}"
            self._kept["rows"] = self._client.create_appendable_table(rows.schema, key=key)
        node = self._kept["rows"]
        while True:
            yield lambda: node.append_partition(0, rows)

    def _table(self) -> Iterator[Step]:
        if "table" not in self._kept:
            frame = pd.DataFrame({name: np.arange(10_000.0) for name in "abcde"})
            self._kept["table"] = self._client.write_table(frame, key=f"t{secrets.token_hex(6)}")
        while True:
            yield self._kept["table"].read

    def _keys(self) -> Iterator[Step]:
        container = self._client[KEYS]
        while True:
            yield lambda: list(container)

    def _head(self) -> Iterator[Step]:
        container = self._client[KEYS]
        while True:
            yield lambda: container.values().head(100)

    def _dask(self, size: int) -> Iterator[Step]:
        key = self._array(size).uri.rpartition("/")[2]
        lazy = self._connect(structure_clients="dask")[key]
        while True:
            yield lambda: lazy.read().compute()

    def _array(self, size: int) -> Any:
        """Return an array of this size that is stored."""
        name = f"array{size}"
        if name not in self._kept:
            key = f"a{secrets.token_hex(6)}"
            self._kept[name] = self._client.write_array(_noise(size), key=key)
        return self._kept[name]


def _noise(size: int) -> Any:
    """Return numbers that cannot be compressed, as rows of up to 8 KB of float64."""
    rows = np.random.default_rng(0).random(min(size, 8 * MEGABYTE) // 8)
    whole = np.tile(rows, -(-size // rows.nbytes))[: size // 8]
    return whole.reshape(-1, 1000) if size > 8 * MEGABYTE else whole


if __name__ == "__main__":
    main()
