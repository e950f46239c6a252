"""The scripts of the page: they exist, and are small enough to load at once."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.servers import PROJECT
from web.modules import is_bundle_current, page_modules

STATIC = PROJECT / "web" / "static"
# Of all that a page may load, compressed. Pictures and tests are no part of it.
MAX_BYTES = 150 * 1024
SPECIFIER = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")


def scripts() -> list[Path]:
    """Return all modules and style sheets of the page."""
    return [*STATIC.rglob("*.js"), *STATIC.rglob("*.css")]


def test_every_import_names_a_file() -> None:
    missing = [
        f"{path.relative_to(STATIC)}: {name}"
        for path in scripts()
        if path.suffix == ".js" and not {"vendor", "dist"} & set(path.parts)
        for name in SPECIFIER.findall(re.sub(r"import\(\"[^\"]*\"\)\.\w+", "", path.read_text()))
        if not (path.parent / name).is_file()
    ]
    assert missing == []


def test_the_bundle_is_made_of_the_present_sources() -> None:
    assert is_bundle_current(), "run `npm ci && npm run build` in web/tooling"
    assert page_modules()[0] == "web/dist/main.js"


def test_changed_sources_are_served_in_place_of_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    page_modules.cache_clear()
    monkeypatch.setattr("web.modules.digest", lambda names: "changed")
    try:
        names = page_modules()
    finally:
        page_modules.cache_clear()
    assert names[0] == "web/app/main.js"
    assert {"web/vendor/preact.js", "web/app/app.js"} < set(names)
    assert "web/panels/table-panel.js" not in names, "panels are loaded when they are needed"


def test_the_page_is_small() -> None:
    files = [*(STATIC / "web/dist").glob("*.js"), *STATIC.rglob("*.css")]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    assert sum(sizes.values()) < MAX_BYTES, sizes
