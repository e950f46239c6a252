"""Files that others wrote, registered with the catalog, never changed by it.

To read a further format of arrays, write a function like those in `registry` and register it there;
of tables, a class like those in `csv_files` and `parquet_files`, and register it in
`table_registry`.
"""

from .registry import ArrayReader, mimetypes, read_array
from .table_registry import check_table, iter_table_rows
from .uris import resolve_uri

__all__ = [
    "ArrayReader",
    "check_table",
    "iter_table_rows",
    "mimetypes",
    "read_array",
    "resolve_uri",
]
