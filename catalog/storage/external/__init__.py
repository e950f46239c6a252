"""External files: registered with the catalog, and never modified by it.

A format is one module with a `Format`; see docs/how-to/add-a-file-format.md.
"""

from .arrays import read_array
from .formats import Entry, Format, Inspected, Tree
from .frame_stacks import FrameFile, array_structure, frames_inspector, frames_reader
from .inspection import inspect, list_names
from .readers import configure
from .registry import FAMILIES, load, mimetype_of, mimetypes, register, sequence_mimetype
from .sources import Sources
from .tables import check_table, iter_table_rows
from .trees import open_tree
from .uris import is_readable, readable_folder, resolve_uri

__all__ = [
    "FAMILIES",
    "Entry",
    "Format",
    "FrameFile",
    "Inspected",
    "Sources",
    "Tree",
    "array_structure",
    "check_table",
    "configure",
    "frames_inspector",
    "frames_reader",
    "inspect",
    "is_readable",
    "iter_table_rows",
    "list_names",
    "load",
    "mimetype_of",
    "mimetypes",
    "open_tree",
    "read_array",
    "readable_folder",
    "register",
    "resolve_uri",
    "sequence_mimetype",
]
