"""Paths and URIs of stored data, and their removal."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from .bucket_files.paths import ObjectPath
from .errors import OutsideReadable, Unsupported


def node_directory(root: Path, node: uuid.UUID) -> Path:
    """Return the folder of a node's data, `ab/ab12…` below `root`, which need not exist."""
    return root / node.hex[:2] / node.hex


def file_uri(path: Path) -> str:
    """Return the URI of an absolute path: `file://localhost/…` or `s3://…`, percent-encoded."""
    if isinstance(path, ObjectPath):
        return path.as_uri()
    if not path.is_absolute():
        raise ValueError(f"{path} is not an absolute path.")
    return "file://localhost" + quote(str(path))


def uri_path(data_uri: str) -> Path:
    """Return the path of a `file:` URI, unresolved. Raises Unsupported for other URIs."""
    try:
        parts = urlsplit(data_uri)
        path = unquote(parts.path, errors="strict")
    except ValueError as error:
        raise Unsupported(f"{data_uri!r} is not a URI.") from error
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise Unsupported(
            f"{data_uri!r} names neither a local file, such as file://localhost/data/a.tiff, nor "
            "an object of a bucket, such as s3://bucket/a.tiff."
        )
    if not path.startswith("/") or "\0" in path or parts.query or parts.fragment:
        raise Unsupported(f"{data_uri!r} has no absolute path.")
    return Path(path)


def uri_name(data_uri: str) -> str:
    """Return the name of a file, or of an object, by its URI."""
    return unquote(data_uri.rpartition("/")[2])


def remove_stored(root: Path, path: Path) -> None:
    """Remove a file or folder below `root`, if it exists.

    Raises OutsideReadable, without touching it, for a path that is not below `root`.
    """
    place = path.parent.resolve() / path.name
    if (
        path.name in ("", "..")
        or not place.is_relative_to(root.resolve())
        or place == root.resolve()
    ):
        raise OutsideReadable(f"{path} does not lie in the storage directory {root}.")
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
