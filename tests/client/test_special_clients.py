"""Classes of client objects for specs: registered ones, and those of installed distributions."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayClient,
    AsyncContainer,
    BlueskyRun,
    Container,
    from_uri,
    register_special_client,
)
from tiled_client.nodes import classes, entry_points

MODULE = """
from tiled_client import Container

class Sample(Container):
    formula = "Ni"

class OfTiled:
    def __init__(self, context, *, item, structure_clients):
        pass
"""
DECLARED = """
[tiled.special_client]
SampleOfPackage = a_package:Sample
ClassOfTiled = a_package:OfTiled
Broken = a_package_that_is_not_there:Sample
BlueskyRun = a_package_that_is_not_there:BlueskyRun
"""


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container of the test's own."""
    made: Container = from_uri(server.uri, API_KEY).create_container(f"t{secrets.token_hex(6)}")
    return made


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed distribution that declares classes for specs."""
    (tmp_path / "a_package.py").write_text(MODULE)
    metadata = tmp_path / "a_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: a-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(DECLARED)
    monkeypatch.syspath_prepend(tmp_path)
    entry_points._declared.cache_clear()
    yield
    entry_points._declared.cache_clear()
    sys.modules.pop("a_package", None)


@pytest.mark.usefixtures("package")
def test_a_class_of_an_installed_distribution_is_used_if_it_fits(
    client: Container, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.create_container(specs=["SampleOfPackage"]).formula == "Ni"
    with caplog.at_level(logging.WARNING):
        assert type(client.create_container(specs=["ClassOfTiled"])) is Container
        array = client.write_array(np.arange(3), specs=["SampleOfPackage"])
        assert type(array) is ArrayClient, "the class is one of containers"
        assert type(client.create_container(specs=["BlueskyRun"])) is BlueskyRun
    assert not caplog.records
    for _ in range(2):
        assert type(client.create_container(specs=["Broken"])) is Container
    (record,) = caplog.records
    assert (
        "a_package_that_is_not_there:Sample for the spec Broken cannot be imported"
        in record.message
    )


def test_a_registered_class_replaces_that_of_the_client(
    client: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classes, "_by_spec", dict(classes._by_spec))

    class OwnRun(BlueskyRun):
        sample = "Ni"

    register_special_client("BlueskyRun", OwnRun)
    key = client.create_container(specs=["BlueskyRun"]).key
    assert client[key].sample == "Ni"
    assert client.dask[key].sample == "Ni"
    one = from_uri(client.uri, {"BlueskyRun": Container}, api_key=API_KEY)
    assert type(one[key]) is Container, "classes of one client take precedence"


@pytest.mark.parametrize("kind", [dict, "Container", None])
def test_other_objects_are_not_registered(kind: type) -> None:
    with pytest.raises(TypeError, match="must be a subclass of a class of nodes"):
        register_special_client("Sample", kind)


def test_a_class_for_asyncio_is_registered_beside_that_of_the_blocking_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classes, "_by_spec", dict(classes._by_spec))

    class Sample(AsyncContainer):
        pass

    register_special_client("SampleForAsyncio", Sample)
    assert classes.find_class("asyncio", "container", ["SampleForAsyncio"]) is Sample
    assert classes.find_class("numpy", "container", ["SampleForAsyncio"]) is Container
