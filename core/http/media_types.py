"""Media types of formats, and the file extensions that stand for them."""

from __future__ import annotations

import re
from functools import lru_cache

OCTET_STREAM = "application/octet-stream"
ARROW = "application/vnd.apache.arrow.file"
CSV = "text/csv"
EXCEL_CSV = "application/vnd.ms-excel"
HDF5 = "application/x-hdf5"
HTML = "text/html"
JSON = "application/json"
JSON_SEQ = "application/json-seq"
NETCDF = "application/netcdf"
NPY = "application/x-npy"
PARQUET = "application/x-parquet"
PLAIN = "text/plain"
PNG = "image/png"
TIFF = "image/tiff"
X_CSV = "text/x-comma-separated-values"
X_NETCDF = "application/x-netcdf"
XDI = "application/x-xdi"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"

SEPARATED = (CSV, X_CSV, PLAIN, EXCEL_CSV)
"""All names that rows of comma-separated values go by."""

EXTENSIONS = {
    "arrow": ARROW,
    "bin": OCTET_STREAM,
    "csv": CSV,
    "feather": ARROW,
    "h5": HDF5,
    "hdf5": HDF5,
    "htm": HTML,
    "html": HTML,
    "json": JSON,
    "json-seq": JSON_SEQ,
    "nc": NETCDF,
    "npy": NPY,
    "parquet": PARQUET,
    "png": PNG,
    "shtml": HTML,
    "text": PLAIN,
    "tif": TIFF,
    "tiff": TIFF,
    "txt": PLAIN,
    "xdi": XDI,
    "xls": EXCEL_CSV,
    "xlsx": XLSX,
    "zip": ZIP,
}

QUALITY = re.compile(r"[01](?:\.\d{0,3})?")


@lru_cache(maxsize=64)
def preferences(header: str) -> tuple[str, ...]:
    """Return the media types of an `Accept` header, by descending q-value, without the q-values.

    Equal ones stay in their order; those with q=0 are left out (RFC 9110, 12.5.1).
    """
    weighted = [_weighed(part) for part in header.split(",") if part.strip()]
    ordered = sorted(weighted, key=lambda pair: -pair[0])
    return tuple(part for quality, part in ordered if quality > 0)


@lru_cache(maxsize=64)
def excluded(header: str) -> frozenset[str]:
    """Return the media types that an `Accept` header excludes with q=0."""
    weighted = [_weighed(part) for part in header.split(",")]
    excluded = (part for quality, part in weighted if not quality)
    return frozenset(part.partition(";")[0].strip().lower() for part in excluded)


def _weighed(part: str) -> tuple[float, str]:
    """Return a part of the header without its q-value, and that; 1 if missing or malformed."""
    name, *parameters = (text.strip() for text in part.split(";"))
    kept, quality = [name], 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() != "q":
            kept.append(parameter)
        elif QUALITY.fullmatch(value.strip()):
            quality = min(float(value), 1.0)
    return quality, ";".join(kept)
