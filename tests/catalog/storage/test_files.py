"""Where stored data lie, and that nothing else is ever removed."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.storage import files
from catalog.storage.errors import OutsideReadable, Unsupported

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1))
def test_an_address_leads_back_to_its_path(names: list[str]) -> None:
    path = Path("/", *names)
    assert files.uri_path(files.file_uri(path)) == path


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/data/a.tif",
        "http://localhost/a.tif",
        "s3://bucket/a.tif",
        "file://elsewhere/a.tif",
        "file://localhost",
        "file:relative/a.tif",
        "file://localhost/a%00b",
        "file://localhost/a.tif?x=1",
        "file://localhost/%ff",
        "file://[broken",
    ],
)
def test_addresses_of_anything_but_a_local_file_are_refused(uri: str) -> None:
    with pytest.raises(Unsupported):
        files.uri_path(uri)


def test_each_node_has_a_folder_of_its_own(tmp_path: Path) -> None:
    node = uuid.UUID("12345678-1234-5678-1234-567812345678")
    folder = files.node_directory(tmp_path, node)
    assert folder == tmp_path / "12" / "12345678123456781234567812345678"


def test_only_what_lies_in_the_storage_folder_is_removed(tmp_path: Path) -> None:
    root, other = tmp_path / "storage", tmp_path / "other"
    (root / "ab" / "node").mkdir(parents=True)
    other.mkdir()
    (other / "precious").touch()
    (root / "door").symlink_to(other)

    for path in (root, tmp_path, other, root / ".." / "other", root / "door" / "precious"):
        with pytest.raises(OutsideReadable):
            files.remove_stored(root, path)
    files.remove_stored(root, root / "door")
    files.remove_stored(root, root / "ab" / "node")
    files.remove_stored(root, root / "ab" / "node")
    assert [*root.rglob("*")] == [root / "ab"]
    assert (other / "precious").exists()
