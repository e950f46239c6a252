"""Inspection of files before their registration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..bucket_files.paths import ObjectPath
from ..errors import MissingFile, Unreadable, Unsupported
from .formats import Inspected
from .reader_results import as_inspected
from .readers import call
from .registry import inspected_by, mimetype_of
from .sources import Sources
from .uris import readable_folder


def inspect(
    paths: Sequence[Path], mimetype: str | None = None, *, readable: Sequence[Path]
) -> Inspected:
    """Inspect a file, or a sequence of files of one format.

    The default mimetype is that of the first file's name. Raises Unsupported, OutsideReadable,
    MissingFile, NotReady (not complete yet), Unreadable.
    """
    mimetype = mimetype or mimetype_of(paths[0])
    if mimetype is None:
        raise Unsupported(f"The name of {paths[0]} has no known extension: give its mimetype.")
    inspected_by(mimetype)
    named = Sources(tuple(paths), {}, tuple(readable))
    sources = Sources(tuple(map(named.confined, paths)), {}, tuple(readable))
    return as_inspected(call("inspect", sources, {"mimetype": mimetype})[0])


def list_names(folder: Path, *, limit: int, readable: Sequence[Path]) -> list[tuple[str, bool]]:
    """Return the names in a folder, and of each whether it is a folder; `limit` + 1 at most.

    The folder is listed in a confined process. Raises OutsideReadable, MissingFile, Unreadable.
    """
    real = folder.resolve()
    readable_folder(real, readable)
    if isinstance(real, ObjectPath):
        found = [(path.name, is_prefix) for path, is_prefix in real.entries()]
        if not found:
            raise MissingFile(f"There are no objects below {real}.")
        return found[: limit + 1]
    content = call("names", Sources((real,), {}, tuple(readable)), {"limit": limit})
    names = [(str(name), bool(is_folder)) for name, is_folder in content[0]]
    for name, _ in names:
        if not name or "/" in name or "\0" in name or name in (".", ".."):
            raise Unreadable(f"The reader returned an impossible name in {folder}: {name!r:.80}.")
    return names[: limit + 1]
