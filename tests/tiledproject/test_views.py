"""The few pages that belong to no room."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from tiledproject.http.views import server_error


def test_the_landing_page_shows_the_doors(client: Client) -> None:
    page = client.get("/").content.decode()
    assert 'href="/admin/"' in page.replace("'", '"')
    assert 'href="/api/v1/"' in page.replace("'", '"')


@pytest.mark.django_db
def test_a_worker_says_that_it_is_ready(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/", "/api/"])
def test_below_the_api_a_missing_page_is_told_as_json(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {"detail": "Not Found"}


def test_elsewhere_a_missing_page_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("path", "target", "status"),
    [("/admin?next=x", "/admin/?next=x", 302), ("/api/v1?x=1", "/api/v1/?x=1", 307)],
)
def test_an_address_without_its_last_slash_leads_to_the_one_with_it(
    client: Client, path: str, target: str, status: int
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (status, target)


def test_what_broke_below_the_api_is_told_as_json(rf: RequestFactory) -> None:
    answer = server_error(rf.get("/api/v1/metadata/"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
    assert server_error(rf.get("/admin/"))["Content-Type"].startswith("text/html")


def test_a_host_that_is_not_known_is_told_which_setting_to_change(client: Client) -> None:
    answer = client.get("/api/v1/", headers={"host": "beamline.example.org"})
    assert answer.status_code == 400
    assert "'beamline.example.org'" in answer.json()["detail"]
    assert "server.allowed_hosts" in answer.json()["detail"]
