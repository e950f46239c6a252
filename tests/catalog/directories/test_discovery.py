"""Which nodes the files of a folder make."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.directories.discovery import DiscoveredDataset, Rules, list_folder

TIFFS = "multipart/related;type=image/tiff"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "scan"
    made.mkdir()
    return made


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def found(folder: Path, **rules: object) -> dict[str, tuple[str, list[str]]]:
    nodes = list_folder(folder, Rules(**rules)).nodes  # type: ignore[arg-type]
    return {node.key: (node.mimetype, [path.name for path in node.paths]) for node in nodes}


def test_a_file_is_a_node_without_its_extension(folder: Path) -> None:
    touch(folder, "a.csv", "b.npy", "readme.txt", ".hidden.csv", "c.csv.part", "d.csv~")
    assert found(folder) == {"a": ("text/csv", ["a.csv"]), "b": ("application/x-npy", ["b.npy"])}


def test_numbered_images_are_one_sequence_in_the_order_of_their_numbers(folder: Path) -> None:
    touch(folder, "img_10.tif", "img_9.tif", "other-1.tiff", "alone.tif", "img_9.csv")
    assert found(folder) == {
        "img": (TIFFS, ["img_9.tif", "img_10.tif"]),
        "other": (TIFFS, ["other-1.tiff"]),
        "alone": ("image/tiff", ["alone.tif"]),
        "img_9": ("text/csv", ["img_9.csv"]),
    }


def test_images_that_are_named_by_numbers_only_bear_the_name_of_their_folder(folder: Path) -> None:
    touch(folder, "0001.tif", "0002.tif")
    assert found(folder) == {"scan": (TIFFS, ["0001.tif", "0002.tif"])}


def test_names_that_differ_in_their_extension_keep_it(folder: Path) -> None:
    touch(folder, "a.csv", "a.npy", "b.csv")
    (folder / "b").mkdir()
    assert set(found(folder)) == {"a.csv", "a.npy", "b.csv"}


def test_the_rules_say_which_files_count_and_how_they_are_read(folder: Path) -> None:
    touch(folder, "a.csv", "b.dat", "c.npy")
    rules = {"only": frozenset({".csv", ".dat"}), "formats": {".dat": "text/csv"}}
    assert found(folder, keep_extensions=True, **rules) == {
        "a.csv": ("text/csv", ["a.csv"]),
        "b.dat": ("text/csv", ["b.dat"]),
    }


def test_folders_are_listed_apart_and_links_to_folders_left_out(folder: Path) -> None:
    (folder / "day1").mkdir()
    (folder / ".git").mkdir()
    (folder / "again").symlink_to(folder)
    listing = list_folder(folder, Rules())
    assert listing.folders == (folder / "day1",)
    assert listing.nodes == ()


def test_a_name_that_is_no_text_is_passed_over(folder: Path) -> None:
    (folder / "a\udcff.csv").touch()
    touch(folder, "b.csv")
    assert list_folder(folder, Rules()).nodes == (
        DiscoveredDataset("b", "text/csv", (folder / "b.csv",)),
    )
