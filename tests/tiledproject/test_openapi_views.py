"""The description of the API, and the page that shows it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.staticfiles import finders
from openapi_spec_validator import validate

from catalog.api.schema.generator import api_document
from catalog.api.urls import NODE_VIEWS
from tests.in_process_server import answer, content, header

HERE = Path(__file__).parent
# Of Tiled 0.2.20, with what each takes.
TILED: dict[str, list[str]] = json.loads((HERE / "tiled_operations.json").read_text())

# What Tiled has besides the API proper: its own pages, and what nobody has asked for.
NOT_OURS = re.compile(r"\w+ /(api/v1/auth/provider/toy/|ui/|tiled-ui-settings|zarr/|api/graphql|$)")
NOT_YET = re.compile(r"\w+ /api/v1/webhooks/")


@cache
def operations() -> dict[str, Any]:
    """Each operation, by its method and address."""
    document = orjson.loads(content(answer("GET", "/openapi.json")))
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_is_openapi_and_needs_no_key() -> None:
    got = answer("GET", "/openapi.json")
    assert (got.status, header(got, "Content-Type")) == (200, "application/json")
    document = orjson.loads(content(got))
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_method_of_every_view_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    api_document()
    assert capsys.readouterr().err == "", "see catalog/api/schema"
    for name, view in NODE_VIEWS.items():
        for method in ("get", "post", "put", "patch", "delete"):
            described = f"{method.upper()} /api/v1/{name}/{{path}}" in operations()
            assert described is hasattr(view, method), (name, method)


def test_every_operation_describes_its_responses_and_errors() -> None:
    for name, operation in operations().items():
        statuses = set(operation["responses"])
        assert statuses & {"200", "204", "302"}, name
        assert operation["summary"], name
        if operation.get("security"):
            assert {"400", "401", "403", "422"} <= statuses, name
    names = [operation["operationId"] for operation in operations().values()]
    assert len(set(names)) == len(names)


def test_whatever_tiled_offers_is_offered_here_with_the_same_parameters() -> None:
    for name, parameters in TILED.items():
        if NOT_OURS.match(name) or NOT_YET.match(name):
            continue
        assert name in operations(), name
        ours = {one["name"] for one in operations()[name].get("parameters", ())}
        missing = set(parameters) - ours
        assert not missing, name


def test_the_page_loads_nothing_from_elsewhere_and_all_that_it_names_is_there() -> None:
    got = answer("GET", "/docs")
    page = content(got).decode()
    assert (got.status, header(got, "Content-Type")) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in (header(got, "Content-Security-Policy") or "")
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) == 4
    for address in named:
        assert finders.find(address.removeprefix("/static/").partition("?")[0]), address
    assert 'data-document="/openapi.json"' in page


def test_the_root_of_the_api_leads_to_the_page() -> None:
    about = orjson.loads(content(answer("GET", "/api/v1/")))
    assert about["links"]["documentation"] == "http://localhost/docs"
