"""Requests made up from the API's description: whatever they ask, the answer is one it allows.

Each is followed by a look at what is stored: who was refused has changed nothing, and who was not
has left nothing that cannot be read. FUZZ_EXAMPLES says how many are tried for each operation.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Asset, DataSource, Node
from tests.buckets import SHARED_BUCKET
from tests.fuzz import catalog_fixture
from tests.fuzz.conftest import People
from tests.fuzz.valid_requests import BODIES, plausible
from tests.in_process_server import WSGI, answer

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
LABELS = [
    f"{method.upper()} {path}"
    for path, methods in json.loads(DOCUMENT.read_text())["paths"].items()
    for method in methods
]
PLAIN = {"accept-encoding": "identity"}
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
STORED = {
    Node: ("pk", "path", "metadata", "specs", "structure_family"),
    DataSource: ("pk", "structure", "mimetype", "parameters", "management"),
    Asset: ("pk", "data_uri", "size"),
}


@cache
def described() -> Any:
    import schemathesis

    for media_type, bodies in BODIES.items():
        strategy = st.binary(max_size=100) | st.sampled_from(bodies)
        schemathesis.openapi.media_type(media_type, strategy)
    config = schemathesis.Config.from_dict(
        {"warnings": False, "generation": {"with-security-parameters": False}}
    )
    api = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text()), config=config)
    api.app = WSGI
    return api


@cache
def checks() -> list[Any]:
    from schemathesis import checks as general
    from schemathesis.specs.openapi import checks as openapi

    return [
        general.not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_headers_conformance,
        openapi.response_schema_conformance,
    ]


@pytest.mark.parametrize("label", [one for one in LABELS if "/auth/" not in one])
def test_what_is_asked_by_chance_is_answered_as_described(label: str, catalog: None) -> None:
    if SHARED_BUCKET and label == "GET /readyz":
        pytest.skip("no server has started, which marks the bucket")
    kept = Kept()

    @SETTINGS
    @given(cases(label, {}))
    def ask(case: Any) -> None:
        catalog_fixture.build()
        before = kept.by_now(case.method)
        response = case.call(headers={**catalog_fixture.KEY, **PLAIN})
        case.validate_response(response, checks=checks())
        if response.status_code >= 400:
            assert kept.after(case.method) == before
        elif case.method != "GET":
            kept.forget()
            build_preview(str((case.path_parameters or {}).get("path", "")))

    ask()


@pytest.mark.parametrize("label", [one for one in LABELS if "/auth/" in one])
def test_who_logs_in_by_chance_is_answered_as_described(label: str, people: People) -> None:
    @SETTINGS
    @given(cases(label, people.known))
    def ask(case: Any) -> None:
        response = case.call(headers={**people.headers(), **PLAIN})
        case.validate_response(response, checks=checks())

    ask()


@pytest.mark.parametrize("target", ["auth/principal?page[offset]=9223372036854775807"])
def test_what_once_broke_the_server_is_refused(target: str, people: People) -> None:
    assert answer("GET", f"/api/v1/{target}", headers=people.headers()).status == 422


def cases(label: str, known: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    """Requests for one operation, as its description has them or just not."""
    from schemathesis import GenerationMode

    operation = described().find_operation_by_label(label)
    return st.one_of(
        operation.as_strategy(generation_mode=mode).flatmap(lambda case: plausible(case, known))
        for mode in GenerationMode
    )


class Kept:
    """All that is stored: rows of the database, and data as whoever reads them sees them.

    It is looked at again only where it may have changed, and not at all for who only reads.
    """

    def __init__(self) -> None:
        self._last: Any = None

    def by_now(self, method: str) -> Any:
        """What is stored before a request."""
        if method != "GET" and self._last is None:
            self._last = self._all()
        return self._last

    def after(self, method: str) -> Any:
        """What is stored after one that was refused."""
        return self._last if method == "GET" else self._all()

    def forget(self) -> None:
        """Something may have changed."""
        self._last = None

    def _all(self) -> Any:
        rows = [
            list(kind.objects.order_by("pk").values_list(*names)) for kind, names in STORED.items()
        ]
        return rows, catalog_fixture.read()


def build_preview(path: str) -> None:
    """Nothing at `path` or below the container has become unreadable."""
    for address in (f"metadata/{path}", "search/c", f"array/full/{path}", f"table/full/{path}"):
        status = answer(
            "GET", f"/api/v1/{address}".replace(" ", "%20"), headers=catalog_fixture.KEY
        ).status
        assert status < 500, address
