"""Files that others wrote, registered with the catalog, never changed by it.

A format is one module with a `Format`; docs/how-to/add-a-file-format.md shows how to write one.
"""

from .arrays import read_array
from .formats import Entry, Format, Inspected, Tree
from .frames import FrameFile, array_structure, frames_inspector, frames_reader
from .inspection import inspect, inspectable
from .registry import load, mimetypes, register
from .sources import Sources
from .tables import check_table, iter_table_rows
from .uris import resolve_uri

__all__ = [
    "Entry",
    "Format",
    "FrameFile",
    "Inspected",
    "Sources",
    "Tree",
    "array_structure",
    "check_table",
    "frames_inspector",
    "frames_reader",
    "inspect",
    "inspectable",
    "iter_table_rows",
    "load",
    "mimetypes",
    "read_array",
    "register",
    "resolve_uri",
]
