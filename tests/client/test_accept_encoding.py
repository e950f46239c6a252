"""The Accept-Encoding header of reads."""

from __future__ import annotations

import pytest
from urllib3 import response

from tiled_client.http.accept_encoding import data_encoding
from tiled_client.http.requests_transport import RequestsTransport
from tiled_client.settings import HttpOptions

TRANSPORT = RequestsTransport(HttpOptions())
HERE = ["http://localhost:8000/api/v1", "http://127.0.0.9/api/v1", "http://[::1]:8000/api/v1"]


@pytest.mark.parametrize("root", HERE)
def test_nothing_is_compressed_on_this_machine(root: str) -> None:
    assert data_encoding(root, TRANSPORT) == "identity"


@pytest.mark.parametrize("known", [True, False])
def test_numbers_from_elsewhere_are_compressed_if_that_is_quick(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "HAS_ZSTD", known)
    asked = data_encoding("https://tiled.example.org/api/v1", TRANSPORT)
    assert asked == ("zstd" if known else "identity")
