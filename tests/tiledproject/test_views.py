"""The few pages that belong to no room."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, RequestFactory

from core.version import VERSION
from tiledproject.http.views import server_error
from web.pages import POLICY


def test_the_root_leads_to_the_web_page_with_its_query(client: Client) -> None:
    answer = client.get("/?api_key=secret")
    assert (answer.status_code, answer["Location"]) == (302, "/ui/?api_key=secret")


def test_browsers_find_an_icon_where_they_look_for_it(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/static/site/favicon.svg?v=")


def test_a_worker_reports_that_it_is_alive(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ready", "version": VERSION}


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/", "/api/"])
def test_below_the_api_a_404_is_json(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {"detail": "Not Found"}


def test_elsewhere_a_missing_page_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
    assert answer["Content-Security-Policy"] == POLICY
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "target", "status"),
    [("/admin?next=x", "/admin/?next=x", 302), ("/api/v1?x=1", "/api/v1/?x=1", 307)],
)
def test_an_address_without_its_last_slash_leads_to_the_one_with_it(
    client: Client, path: str, target: str, status: int
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (status, target)


def test_below_the_api_an_internal_error_is_json(rf: RequestFactory) -> None:
    answer = server_error(rf.get("/api/v1/metadata/"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
    assert server_error(rf.get("/admin/"))["Content-Type"].startswith("text/html")


def test_an_unknown_host_is_rejected_with_the_setting_to_change(client: Client) -> None:
    answer = client.get("/api/v1/", headers={"host": "beamline.example.org"})
    assert answer.status_code == 400
    assert "'beamline.example.org'" in answer.json()["detail"]
    assert "server.allowed_hosts" in answer.json()["detail"]


def test_a_page_under_an_unknown_host_names_the_setting_too(client: Client) -> None:
    answer = client.get("/ui/", headers={"host": "beamline.example.org"})
    assert answer.status_code == 400
    assert "server.allowed_hosts" in answer.content.decode()
    assert answer["Content-Security-Policy"] == POLICY


def test_a_form_without_its_token_gets_a_page_that_says_so() -> None:
    answer = Client(enforce_csrf_checks=True).post("/ui/login", {"api_key": "secret"})
    assert answer.status_code == 403
    assert "Load the page again" in answer.content.decode()


def test_a_page_without_the_database_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    client.cookies["sessionid"] = "x" * 32

    def refuse(*_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    answer = client.get("/ui/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "The database cannot be reached" in answer.content.decode()
    assert answer["Content-Security-Policy"] == POLICY
