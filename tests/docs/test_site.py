"""The documentation's site: built strictly, complete, and without network at view time."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.servers import PROJECT

BUILD = PROJECT / ".ci" / "docs-site"
PROGRAM = PROJECT / ".venv" / "extra-docs" / "bin" / "mkdocs"
# What a browser loads by itself: not the links that a reader may follow.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?((?:https?:)?//[^"'\s>]+)|"""
    r"""<link\b(?=[^>]*\brel=["']?(?:stylesheet|icon|preconnect|modulepreload))[^>]*\bhref=["']?"""
    r"""((?:https?:)?//[^"'\s>]+)"""
)
IN_STYLES = re.compile(r"""(?:@import|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PROGRAM.exists():
        pytest.skip("the environment of mkdocs is not there: bash .ci/extra docs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        ["bash", str(BUILD), str(folder)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_each_page_is_part_of_the_site_and_of_its_search(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text()
    docs = PROJECT / "docs"
    for page in docs.rglob("*.md"):
        name = str(page.relative_to(docs).with_suffix(".html")).replace("README", "index")
        assert (site / name).is_file(), name
        assert f'"location":"{name}' in index, name


def test_a_reader_needs_no_network(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 60
    loaded = {found[0] or found[1] for page in pages for found in LOADED.findall(page.read_text())}
    assert loaded == set()
    styles = {url for path in site.rglob("*.css") for url in IN_STYLES.findall(path.read_text())}
    assert styles == set()
