"""Files that others wrote, registered with the catalog, never changed by it.

To read a further format, write a function like those in `registry` and register it there.
"""

from .registry import ArrayReader, mimetypes, read_array
from .uris import resolve_uri

__all__ = ["ArrayReader", "mimetypes", "read_array", "resolve_uri"]
