"""Nodes that say they follow a spec, and what checks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from django.conf import settings as site
from pytest_django import Settings

from catalog.config import SpecsSettings
from catalog.models import Node
from catalog.specs import Candidate
from catalog.specs.registry import known_specs

from ..conftest import Api, detail

COMPOSITE = [{"name": "composite", "version": None}]


def check_scan(candidate: Candidate) -> dict[str, Any] | None:
    """A scan has a title; what it has in capitals is written small."""
    title = candidate.metadata.get("title")
    if title is None:
        raise ValueError("A scan has a title.")
    if title == title.lower():
        return None
    return {**candidate.metadata, "title": title.lower(), "length": np.int64(len(title))}


@pytest.fixture
def declared(settings: Settings) -> Iterator[None]:
    validators = {"scan": f"{__name__}:check_scan", "free": None}
    specs = SpecsSettings(validators=validators, reject_undeclared=True)
    settings.TILED = settings.TILED.model_copy(update={"specs": specs})
    known_specs.cache_clear()
    yield
    known_specs.cache_clear()


def create(api: Api, key: str, metadata: Any, *specs: str) -> Any:
    body = {"id": key, "structure_family": "container", "metadata": metadata, "specs": specs}
    return api.send("POST", "/metadata/", body)


@pytest.mark.usefixtures("declared")
def test_metadata_changed_by_a_validator_are_returned_and_stored(api: Api) -> None:
    answer = orjson.loads(create(api, "a", {"title": "LOUD"}, "scan").content)
    changed = {"title": "loud", "length": 4}
    assert answer["metadata"] == changed == Node.objects.get(path="a").metadata
    assert "metadata" not in orjson.loads(create(api, "b", {"title": "low"}, "scan").content)
    for method, body in (
        ("PUT", {"metadata": {"title": "AGAIN"}}),
        (
            "PATCH",
            {
                "content-type": "application/merge-patch+json",
                "metadata": {"title": "ONCE MORE"},
                "specs": None,
            },
        ),
    ):
        said = orjson.loads(api.send(method, "/metadata/a", body).content)["metadata"]
        assert said == Node.objects.get(path="a").metadata
        assert said["title"].islower()


@pytest.mark.usefixtures("declared")
def test_a_node_that_does_not_follow_its_specs_is_refused_and_leaves_nothing(api: Api) -> None:
    response = create(api, "a", {}, "scan")
    assert response.status_code == 400
    assert detail(response) == "failed validation for the scan spec:\nA scan has a title."
    response = create(api, "a", {}, "free", "unheard")
    assert (response.status_code, detail(response)) == (400, "Unrecognized spec: unheard")
    assert not Node.objects.filter(path="a").exists()
    assert create(api, "a", {}, "free").status_code == 200
    assert api.send("PUT", "/metadata/a", {"specs": ["scan"]}).status_code == 400
    assert Node.objects.get(path="a").specs == [{"name": "free", "version": None}]
    assert not Node.objects.get(path="a").revisions.exists()


def test_a_composite_has_no_containers_and_each_name_once(api: Api) -> None:
    api.container("c")
    api.array("c/x", np.ones(2))
    api.table("c/t", pa.table({"y": [1], "z": [2]}))
    assert api.send("PUT", "/metadata/c", {"specs": COMPOSITE}).status_code == 200
    api.array("c/z", np.ones(2))
    response = api.send("PUT", "/metadata/c", {"metadata": {"a": 1}})
    assert (response.status_code, "'z'" in detail(response)) == (400, True)
    assert api.send("DELETE", "/metadata/c/z?external_only=false").status_code == 200
    api.container("c/inner")
    response = api.send("PUT", "/metadata/c", {"metadata": {"a": 1}})
    assert (response.status_code, "'inner'" in detail(response)) == (400, True)
    response = api.send("PUT", "/metadata/c/x", {"specs": COMPOSITE})
    assert (response.status_code, "not of family array" in detail(response)) == (400, True)


def test_import_paths_of_validators_are_checked_at_the_start() -> None:
    assert site.TILED.specs == SpecsSettings()
    with pytest.raises(ValueError, match=r"package\.module:function"):
        SpecsSettings(validators={"scan": "not a path"})
