"""The names that extensions import."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.servers import PROJECT
from tiledproject import plugins

HOW_TO = PROJECT / "docs" / "how-to"
IMPORT = re.compile(r"^(?:from|import) ((?:access|catalog|streaming|tiledproject)[\w.]*)", re.M)
PAGES = ["add-a-file-format.md", "add-an-export-format.md", "check-metadata-by-specs.md"]
# A process that reads files has no Django, and should not have to load it.
WITHOUT_DJANGO = """
import sys
from tiledproject.plugins import Format, Sources, Unreadable, frames_inspector, frames_reader
sys.exit("django" in sys.modules)
"""


def test_each_name_exists_and_is_documented() -> None:
    text = (PROJECT / "tiledproject" / "plugins.py").read_text()
    # What editors and mypy see is what there is.
    assert sorted(re.findall(r" import (\w+) as \1$", text, re.M)) == dir(plugins)
    assert plugins.__doc__ is not None
    for name in dir(plugins):
        assert getattr(getattr(plugins, name), "__name__", name) == name
        assert re.search(rf"\b{name}\b", plugins.__doc__)


def test_another_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(AttributeError, match=r"has no 'Frmat'; it has ArrayStructure, .*Format"):
        plugins.Frmat  # noqa: B018


def test_formats_of_files_need_no_django() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_DJANGO], cwd=PROJECT, check=True)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_import_nothing_else(page: str) -> None:
    assert set(IMPORT.findall((HOW_TO / page).read_text())) <= {"tiledproject.plugins"}


def test_where_errors_were_imported_from_before_still_works_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"import it from tiledproject\.plugins"):
        from access.errors import NotAcceptable
    assert NotAcceptable is plugins.NotAcceptable
