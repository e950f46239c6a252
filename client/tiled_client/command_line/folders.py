"""Containers as folders: a file for each node, and its metadata beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .downloads import extension_of, save
from .output import note, plain

METADATA = ".metadata.json"
"""End of the name of a file with the metadata of a node; for a container, the whole name."""


def save_container(node: Any, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the nodes below a container to a folder; return the paths of their files.

    Raises FileExistsError if the folder exists and has entries, unless `force` is set.
    """
    if folder.exists() and any(folder.iterdir()) and not force:
        raise FileExistsError(f"{folder} exists, and is not empty: pass --force to write into it.")
    return list(_save(node, folder))


def _save(node: Any, folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    if node.metadata:
        yield _save_metadata(node.metadata, folder / METADATA)
    for key, child in node.items():
        name = file_name(key)
        if child.structure_family == "container":
            yield from _save(child, folder / name)
            continue
        if child.structure_family == "bytes":
            yield from map(Path, child.raw_export(folder / name))
        elif extension := extension_of(child):
            path = folder / f"{name}{extension}"
            save(child, path)
            yield path
        else:
            note(f"Left out {key}: it is of family {child.structure_family}.")
            continue
        if child.metadata:
            yield _save_metadata(child.metadata, folder / f"{name}{METADATA}")


def file_name(key: str) -> str:
    """Return a key as a file name, which leads to no other folder."""
    name = key.replace("\\", "_").replace("\0", "_")
    return f"_{name}" if name in ("", ".", "..") else name


def _save_metadata(metadata: Any, path: Path) -> Path:
    path.write_text(json.dumps(plain(metadata), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path
