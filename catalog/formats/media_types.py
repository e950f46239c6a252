"""The names of formats: media types, and the file extensions that stand for them."""

from __future__ import annotations

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
