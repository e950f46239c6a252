"""The built-in export formats."""

from __future__ import annotations

from core.http.media_types import (
    ARROW,
    CSV,
    EXCEL_CSV,
    HDF5,
    HTML,
    JSON,
    JSON_SEQ,
    NETCDF,
    NPY,
    OCTET_STREAM,
    PARQUET,
    PLAIN,
    PNG,
    SEPARATED,
    TIFF,
    X_CSV,
    X_NETCDF,
    XDI,
    XLSX,
    ZIP,
)

from .registry import Formats

HERE = __name__.rpartition(".")[0]


def register(formats: Formats) -> None:
    """Register the built-in formats, whose exporters are imported at first use."""
    _arrays(formats)
    _tables(formats)
    _containers(formats)
    _nested(formats)
    _sparse(formats)
    _specs(formats)


def _arrays(formats: Formats) -> None:
    formats.register("array", OCTET_STREAM, f"{HERE}.arrays.raw_bytes")
    formats.register("array", JSON, f"{HERE}.arrays.json")
    formats.register("array", SEPARATED, f"{HERE}.arrays.separated")
    formats.register("array", PNG, f"{HERE}.images.png")
    formats.register("array", TIFF, f"{HERE}.images.tiff")
    formats.register("array", HTML, f"{HERE}.html.array_page")
    formats.register("array", HDF5, f"{HERE}.hdf5.files.array_file")
    formats.register("array", NPY, f"{HERE}.arrays.npy")


def _tables(formats: Formats) -> None:
    formats.register("table", ARROW, f"{HERE}.tables.arrow")
    formats.register("table", PARQUET, f"{HERE}.tables.parquet")
    formats.register("table", SEPARATED, f"{HERE}.tables.separated")
    formats.register("table", HTML, f"{HERE}.html.table_page")
    formats.register("table", XLSX, f"{HERE}.excel.workbook")
    formats.register("table", JSON, f"{HERE}.tables.json")
    formats.register("table", JSON_SEQ, f"{HERE}.tables.json_sequence")
    formats.register("table", HDF5, f"{HERE}.hdf5.files.table_file")


def _containers(formats: Formats) -> None:
    formats.register("container", HDF5, f"{HERE}.hdf5.files.container_file")
    formats.register("container", JSON, f"{HERE}.container_json.container_json")


def _nested(formats: Formats) -> None:
    formats.register("awkward", ZIP, f"{HERE}.nested.awkward_zip")
    formats.register("ragged", JSON, f"{HERE}.nested.json")
    formats.register("ragged", ZIP, f"{HERE}.nested.ragged_zip")
    for family in ("awkward", "ragged"):
        formats.register(family, JSON, f"{HERE}.nested.json")
        formats.register(family, ARROW, f"{HERE}.nested.arrow")
        formats.register(family, PARQUET, f"{HERE}.nested.parquet")


def _sparse(formats: Formats) -> None:
    formats.register("sparse", ARROW, f"{HERE}.sparse.as_table")
    formats.register("sparse", HDF5, f"{HERE}.hdf5.files.sparse_file")
    others = (XLSX, PARQUET, *SEPARATED, HTML, JSON)
    formats.register("sparse", others, f"{HERE}.sparse.as_table")


def _specs(formats: Formats) -> None:
    formats.register("xdi", XDI, f"{HERE}.xdi.xdi", family="table")
    as_table = (ARROW, PARQUET, CSV, X_CSV, PLAIN, EXCEL_CSV, HTML, XLSX, JSON)
    formats.register(
        "xarray_dataset", as_table, f"{HERE}.xarray_datasets.as_table", family="container"
    )
    formats.register(
        "xarray_dataset",
        (NETCDF, X_NETCDF, HDF5),
        f"{HERE}.xarray_datasets.netcdf",
        family="container",
    )
    formats.register(
        "BlueskyRun", JSON_SEQ, f"{HERE}.bluesky.documents.documents", family="container"
    )
