"""A browser that is logged in to the admin with the API key."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from catalog.models import Node

from ..conftest import Api

LISTING = "/admin/catalog/node/"


@dataclass
class Browser:
    """A client of the admin, which returns pages as texts."""

    client: Client

    def open(self, address: str) -> str:
        response = self.client.get(address, follow=True)
        assert response.status_code == 200, response.content
        return html.unescape(response.content.decode())

    def names(self, query: str = "") -> list[str]:
        """Return the names in the list of nodes, from the top."""
        name = r"""class="field-name"><a href='[^']*'>(.*?)</a>"""
        cells = re.findall(name, self.open(LISTING + query))
        return [str(cell) for cell in cells]

    def address(self, path: str) -> str:
        return f"{LISTING}{Node.objects.get(path=path).pk}/change/"

    def page(self, path: str, query: str = "") -> str:
        return self.open(self.address(path) + query)

    def post(self, address: str, **form: Any) -> HttpResponse:
        return self.client.post(address, form)


@pytest.fixture
def browser(api: Api) -> Browser:
    client = Client()
    assert client.login(username="admin", password="secret")
    return Browser(client)
