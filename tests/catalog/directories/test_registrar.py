"""Folders of files as containers of nodes, and the updates when files grow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytest_django import Settings

from catalog import events
from catalog.directories.discovery import Rules
from catalog.directories.registrar import MAX_TRIES, Registrar
from catalog.lookup.nodes import resolve
from tests.catalog.conftest import Api


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    storage = settings.TILED.storage.model_copy(update={"readable": [tmp_path]})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    folder = tmp_path / "beamline"
    (folder / "day1").mkdir(parents=True)
    np.save(folder / "dark.npy", np.arange(6.0).reshape(2, 3))
    (folder / "day1" / "scan.csv").write_text("x,y\n1,2.5\n2,3.5\n")
    frame(folder, 1)
    return folder


def frame(root: Path, number: int) -> None:
    tifffile.imwrite(root / "day1" / f"img_{number:04}.tif", np.full((2, 3), number, "u1"))


@pytest.fixture
def registrar(api: Api, root: Path) -> Registrar:
    """One that has registered what there is."""
    made = Registrar(root, "", Rules(), lambda text: None)
    made.scan(root)
    made.counts.clear()
    return made


def test_a_tree_of_files_is_a_tree_of_nodes(api: Api, root: Path) -> None:
    told: list[str] = []
    api.container("here")
    registrar = Registrar(root, "/here", Rules(), told.append)
    registrar.scan(root)
    assert dict(registrar.counts) == {"new": 3}
    assert sorted(told) == [
        "new: /here/dark [2, 3]",
        "new: /here/day1/img [1, 2, 3]",
        "new: /here/day1/scan",
    ]
    np.testing.assert_array_equal(api.read("/array/full/here/dark", "f8"), np.arange(6.0))
    assert api.rows("/table/full/here/day1/scan").to_pydict() == {"x": [1, 2], "y": [2.5, 3.5]}


def test_another_scan_changes_nothing(
    root: Path, registrar: Registrar, announced: list[events.Event]
) -> None:
    again = Registrar(root, "", Rules(), lambda text: None)
    again.scan(root)
    assert dict(again.counts) == {"as before": 3}
    assert announced == []


def test_the_next_image_of_a_sequence_is_told_as_its_next_frame(
    api: Api, root: Path, registrar: Registrar, announced: list[events.Event]
) -> None:
    frame(root, 2)
    registrar.scan(root)
    (event,) = announced
    assert isinstance(event, events.DataSourceUpdated)
    assert event.node.path == "day1/img"
    assert event.patch == {"offset": (1, 0, 0), "shape": (1, 2, 3)}
    assert api.read("/array/full/day1/img", "u1").tolist() == [1] * 6 + [2] * 6


def test_rows_that_were_added_to_a_table_are_told(
    api: Api, root: Path, registrar: Registrar, announced: list[events.Event]
) -> None:
    with (root / "day1" / "scan.csv").open("a") as file:
        file.write("3,4.5\n")
    registrar.scan(root)
    (event,) = announced
    assert isinstance(event, events.TableSourceUpdated)
    assert event.rows == {"offset": 2, "count": 1}
    assert api.rows("/table/full/day1/scan")["x"].to_pylist() == [1, 2, 3]


def test_an_array_that_was_overwritten_is_told_as_changed(
    root: Path, registrar: Registrar, announced: list[events.Event]
) -> None:
    np.save(root / "dark.npy", np.ones((2, 3)))
    registrar.scan(root)
    (event,) = announced
    assert isinstance(event, events.DataSourceUpdated)
    assert event.patch is None
    assert dict(registrar.counts) == {"changed": 1}


def test_a_file_that_is_not_complete_is_tried_again_until_it_is(
    root: Path, registrar: Registrar
) -> None:
    whole = (root / "dark.npy").read_bytes()
    (root / "late.npy").write_bytes(whole[:20])
    registrar.scan(root)
    assert registrar.unread == {root}
    (root / "late.npy").write_bytes(whole)
    registrar.scan_one(root)
    assert registrar.unread == set()
    assert dict(registrar.counts) == {"not read": 1, "new": 1}
    assert resolve("late").structure == resolve("dark").structure


def test_a_file_that_never_is_complete_is_given_up_until_it_changes(
    root: Path, registrar: Registrar
) -> None:
    (root / "late.npy").write_bytes(b"\x93NUMPY")
    for _ in range(MAX_TRIES + 5):
        registrar.scan_one(root)
    assert registrar.unread == set()
    assert registrar.counts["not read"] == MAX_TRIES


def test_a_node_of_other_data_is_left_alone(api: Api, root: Path) -> None:
    api.array("dark", np.zeros(2))
    registrar = Registrar(root, "", Rules(), lambda text: None)
    registrar.scan(root)
    assert registrar.counts["not read"] == 1
    assert api.read("/array/full/dark", "f8").tolist() == [0, 0]


def test_images_that_come_late_take_their_place_and_hold_up_no_later_one(
    api: Api, root: Path, registrar: Registrar, announced: list[events.Event]
) -> None:
    for number in (2, 4, 3, 0, 5):
        frame(root, number)
        registrar.scan(root)
    patches = [event.patch for event in announced if isinstance(event, events.DataSourceUpdated)]
    assert patches == [
        {"offset": (1, 0, 0), "shape": (1, 2, 3)},
        {"offset": (2, 0, 0), "shape": (1, 2, 3)},
        None,  # where the others are has changed
        None,
        {"offset": (5, 0, 0), "shape": (1, 2, 3)},
    ]
    assert api.read("/array/full/day1/img", "u1")[::6].tolist() == [0, 1, 2, 3, 4, 5]
    assert dict(Registrar(root, "", Rules(), str).counts) == {}


def test_an_image_that_is_gone_is_named_once(root: Path, registrar: Registrar) -> None:
    told: list[str] = []
    again = Registrar(root, "", Rules(), told.append)
    frame(root, 2)
    again.scan(root)
    told.clear()
    (root / "day1" / "img_0001.tif").unlink()
    frame(root, 3)
    again.scan(root)
    again.scan(root)
    (line,) = told
    assert "img_0001.tif is not there any more" in line


def test_a_file_that_no_client_could_be_shown_is_refused_and_hides_no_other(
    api: Api, root: Path
) -> None:
    (root / "export.csv").write_text("_id,v\n1,2\n")
    told: list[str] = []
    Registrar(root, "", Rules(), told.append).scan(root)
    assert [line for line in told if "underscore" in line]
    found = {one["id"] for one in api.get("/search/").json()["data"]}
    assert found == {"dark", "day1"}


def test_a_change_within_a_data_set_is_one_of_the_folder_that_it_lies_in(
    root: Path, registrar: Registrar
) -> None:
    inside = root / "day1" / "cells.zarr" / "c" / "0"
    inside.mkdir(parents=True)
    assert registrar.folder_to_scan(inside / "1") == root / "day1"
    assert registrar.folder_to_scan(root / "day1" / "scan.csv") == root / "day1"
    assert registrar.is_folder(root / "day1")
    assert not registrar.is_folder(root / "day1" / "cells.zarr")
    assert not registrar.is_folder(inside)
