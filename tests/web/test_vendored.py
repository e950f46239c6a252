"""Packages that are vendored are those that the manifests beside them describe."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from tests.servers import PROJECT

STATIC = PROJECT / "web" / "static" / "web"
NOT_VENDORED = {"vendored.json", "LICENSES.txt"}


@pytest.mark.parametrize("folder", ["vendor", "tiled-stream-client/src/vendor"])
def test_vendored_files_are_those_of_the_manifest(folder: str) -> None:
    manifest = json.loads((STATIC / folder / "vendored.json").read_text())
    licences = (STATIC / folder / "LICENSES.txt").read_text()
    files = {path.name for path in (STATIC / folder).iterdir() if path.suffixes != [".d", ".ts"]}
    assert files - NOT_VENDORED == set(manifest)
    for name, entry in manifest.items():
        assert entry["integrity"] == _integrity(STATIC / folder / name), name
        for package in entry["packages"]:
            assert f"== {package['name']}\n" in licences


def test_the_lock_file_has_the_versions_of_the_manifests() -> None:
    lock = json.loads((PROJECT / "web" / "tooling" / "package-lock.json").read_text())["packages"]
    for manifest in STATIC.rglob("vendored.json"):
        for entry in json.loads(manifest.read_text()).values():
            for package in entry["packages"]:
                locked = lock[f"node_modules/{package['name']}"]
                assert locked["version"] == package["version"]
                assert locked["integrity"] == package["npm"]


def _integrity(path: Path) -> str:
    digest = hashlib.sha384(path.read_bytes()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"
