"""The modules of the page's script: bundled ones, or the sources while those are being changed."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

FOLDER = Path(__file__).parent / "static" / "web"
ENTRY = "app/main.js"
BUNDLE = "dist/main.js"
# A static import or re-export of another module of the site; minified modules import none.
IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?["'](\.{1,2}/[^"']+)["'];?$""", re.MULTILINE)


@cache
def page_modules() -> tuple[str, ...]:
    """Return the script of the page, and all modules that it imports, as static files.

    A browser that is given all of them at once need not discover them one after the other.
    """
    bundle = _bundled_modules()
    names = bundle if bundle is not None else _imported_from(ENTRY)
    return tuple(f"web/{name}" for name in names)


def is_bundle_current() -> bool:
    """Return whether the bundle was made of the sources as they are now."""
    built = _read_manifest()
    return built is not None and built["sources"]["sha256"] == digest(built["sources"]["files"])


def _bundled_modules() -> list[str] | None:
    """Return the modules of the bundle; None if there is none, or if the sources were changed."""
    built = _read_manifest()
    if built is None or not is_bundle_current():
        return None
    found = ["main.js"]
    for name in found:
        found += [one for one in built["imports"][name] if one not in found]
    return [f"dist/{name}" for name in found]


def _imported_from(entry: str) -> list[str]:
    """Return `entry` and what it imports, directly or not, nearest first."""
    found: dict[str, None] = {}
    pending = [entry]
    while pending:
        name = pending.pop(0)
        if name in found or not (FOLDER / name).is_file():
            continue
        found[name] = None
        text = (FOLDER / name).read_text(encoding="utf-8")
        pending += [normpath(join(dirname(name), one)) for one in IMPORT.findall(text)]
    return list(found)


def _read_manifest() -> dict[str, Any] | None:
    try:
        built: dict[str, Any] = json.loads((FOLDER / "dist" / "built.json").read_bytes())
    except OSError:
        return None
    return built


def digest(names: list[str], folder: Path = FOLDER) -> str:
    """Return the digest of source files, as `web/tooling/digest.mjs` computes it."""
    computed = hashlib.sha256()
    for name in names:
        path = folder / name
        computed.update(f"{name}\0".encode() + (path.read_bytes() if path.is_file() else b""))
    return computed.hexdigest()
