"""The pages of a registered file, and of nodes inside it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import h5py

from ..api.test_embedded_nodes import HDF5, folder, register, write_hdf5
from ..conftest import Api
from .conftest import LISTING, Browser
from .test_page import fact, picture

__all__ = ["folder"]


def test_the_page_of_a_file_lists_its_entries_and_their_problems(
    api: Api, browser: Browser, folder: Path
) -> None:
    path = write_hdf5(folder / "a.h5")
    with h5py.File(path, "a") as file:
        file["lost"] = h5py.SoftLink("/nowhere")
    os.utime(path, (0, 0))
    register(api, path, HDF5)
    page = browser.page("f")
    entry = "/admin/catalog/node/embedded/?path=f%2Fentry"
    link = f"<a href='{entry}'>entry</a>"
    assert f"<td>{link}</td><td>container</td><td>5 entries</td>" in page
    assert re.search(r"<td>lost</td><td></td><td>A link in .* to /nowhere is broken", page)
    assert fact(page, "Entries") == "2"
    assert "Child nodes" not in page
    # The list of nodes leads here too.
    assert browser.names() == ["f"]
    assert browser.client.get(f"{LISTING}?path=f").headers["Location"] == browser.address("f")
    group = browser.open(entry)
    assert "uint16 (3 \u00d7 4 \u00d7 5)" in group
    assert '"NX_class"' in group
    assert f'<a href="{browser.address("f")}">f</a>' in group
    jumped = browser.client.get(f"{LISTING}jump/", {"path": "f/entry/images"})
    array = browser.open(jumped.headers["Location"] + "&frame=1")
    assert fact(array, "Shape") == "3 \u00d7 4 \u00d7 5"
    assert picture(array).shape == (4, 5)
    assert "frame [1]" in array
    assert "/ui/browse/f/entry/images" in array
    missing = browser.open(f"{LISTING}embedded/?path=f/entry/no")
    assert "There is no node at f/entry/no; the nearest one above it is /f." in missing
    path.unlink()
    assert "a.h5 does not exist" in browser.page("f")
