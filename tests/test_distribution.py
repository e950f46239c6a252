"""The wheels of server and client: installed elsewhere, they run with what they need alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import urllib.request
import venv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
import pytest
from packaging.requirements import Requirement

from tests.servers import PROJECT
from tiled_client import UnsupportedMedia, from_uri
from tiled_client.version import __version__

# What builds the client in a checkout.
BUILD_ONLY = {"editables", "hatchling"}
ADDRESS = re.compile(r"Address +(\S+)")
TIMEOUT = 120


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheels, and install them where no checkout is; return the folder of commands."""
    folder = tmp_path_factory.mktemp("installed")
    for project in (PROJECT, PROJECT / "client"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=TIMEOUT)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    wheels = map(str, folder.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", *wheels], check=True, timeout=TIMEOUT)
    # The packages that they need are those of this environment, but not the code of the checkout.
    [site_packages] = (folder / "env" / "lib").glob("python*/site-packages")
    (site_packages / "requirements.pth").write_text(str(Path(np.__file__).parents[1]))
    return python.parent


@pytest.fixture(scope="module")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose files may be registered."""
    return tmp_path_factory.mktemp("lean")


@pytest.fixture(scope="module")
def address(installed: Path, readable: Path) -> Iterator[str]:
    """Run the installed server, in which hdf5plugin is missing; yield its address."""
    (readable / "hdf5plugin.py").write_text("raise ImportError('it is not installed')\n")
    command = [str(installed / "tiled-stream"), "serve", "--temp", "--port", "0"]
    command += ["--api-key", "secret", "--read", str(readable)]
    environment = _environment(PYTHONPATH=str(readable), PYTHONUNBUFFERED="1")
    with h5py.File(readable / "packed.h5", "w") as file:
        import hdf5plugin

        file.create_dataset("packed", data=np.arange(1000), chunks=(100,), **hdf5plugin.Blosc())
        file["plain"] = np.arange(3)
    with subprocess.Popen(
        command, cwd=readable, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := ADDRESS.search(line):
                yield found[1]
                break
        process.terminate()
        process.communicate(timeout=TIMEOUT)


def test_an_installed_server_stores_data_and_has_its_pages(address: str) -> None:
    client = from_uri(address, api_key="secret")
    written = client.write_array([1, 2, 3], key="x")
    assert written.read().tolist() == [1, 2, 3]
    page = f"{address}/ui/?api_key=secret"
    text = urllib.request.urlopen(page, timeout=TIMEOUT).read().decode()
    assert __version__ in text
    for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        with urllib.request.urlopen(address + name, timeout=TIMEOUT) as response:
            assert response.status == 200, name


def test_a_missing_package_is_named(address: str, readable: Path) -> None:
    client = from_uri(address, api_key="secret")
    file = client.register(readable / "packed.h5")
    assert file["plain"].read().tolist() == [0, 1, 2]
    with pytest.raises(UnsupportedMedia, match=r"install tiled-stream\[hdf5-filters\]"):
        file["packed"].read()


def test_the_command_has_the_version_of_the_product(installed: Path) -> None:
    command = [str(installed / "tiled-stream"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.stdout == f"tiled-stream {__version__}\n"


def test_the_data_of_an_installed_server_are_those_of_its_user(
    installed: Path, tmp_path: Path
) -> None:
    command = [str(installed / "tiled-stream"), "migrate", "--verbosity", "0"]
    environment = _environment(XDG_DATA_HOME=str(tmp_path))
    subprocess.run(command, cwd="/", env=environment, check=True, timeout=TIMEOUT)
    assert (tmp_path / "tiled-stream" / "catalog.db").is_file()


def _environment(**changes: str) -> dict[str, str]:
    ours = ("TILED_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | changes


def test_the_distribution_requires_what_the_file_of_requirements_does() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    named = {str(Requirement(line)) for line in lines if line and line[0] not in "#-"}
    named = {text for text in named if Requirement(text).name not in BUILD_ONLY}
    own = f"tiled-client=={__version__}"
    assert {str(Requirement(one)) for one in chain(project["dependencies"], extras)} == named | {
        own
    }
