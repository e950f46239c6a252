"""Marks of tests by what they need: `unit`, `server`, `postgres`, `slow`.

| mark | given to tests that |
| --- | --- |
| `server` | start a server, a browser or other processes, or have files read by these |
| `postgres` | start a PostgreSQL of their own |
| `slow` | are in a folder whose tests run real clients, faults or every data type |
| `unit` | have none of the others: they run in this process, with SQLite and a Valkey |
"""

from __future__ import annotations

import pytest

SERVER_FIXTURES = {"server", "runserver", "multiuser_server", "tiled_reference", "site", "buckets"}
SERVER_NAMES = {"chromium", "running", "manage", "subprocess", "own_cache", "RunningServer"}
# Modules whose tests register files, which confined processes read.
FILE_MODULES = {
    "test_assets",
    "test_bad_nodes",
    "test_bucket_files",
    "test_confinement",
    "test_embedded_containers",
    "test_embedded_nodes",
    "test_external",
    "test_external_tables",
    "test_formats",
    "test_hdf5_types",
    "test_odd_files",
    "test_page",
    "test_parquet_export",
    "test_register_files",
    "test_uvicorn_http",
    "test_virtual",
    "test_zarr",
}
POSTGRES_NAMES = {"own_cluster", "Cluster"}
SLOW_FOLDERS = {"acceptance", "docs", "faults", "fuzz", "hosts", "matrix", "outages"}


def marks_for(item: pytest.Function) -> set[str]:
    """Return the marks of a test, at least one."""
    names = vars(item.module)
    marks = set()
    fixtures = {*item.fixturenames, *_values(item)}
    if SERVER_FIXTURES & fixtures or SERVER_NAMES & set(names) or item.path.stem in FILE_MODULES:
        marks.add("server")
    if POSTGRES_NAMES & set(names):
        marks.add("postgres")
    if SLOW_FOLDERS & set(item.path.parts):
        marks.add("slow")
    return marks or {"unit"}


def _values(item: pytest.Function) -> list[str]:
    """Return the parameters of a test that may name fixtures."""
    callspec = getattr(item, "callspec", None)
    return [one for one in callspec.params.values() if isinstance(one, str)] if callspec else []
