"""What the user is told when a server starts."""

from __future__ import annotations

import pytest
from django.conf import settings

from demo.__main__ import GREETING
from tiledproject.config.settings_model import Settings
from tiledproject.servers.startup_banner import startup_banner

WARNING = "easy to guess"


@pytest.fixture
def site_with_random_key() -> Settings:
    key = {"single_user_api_key": "8Jq2LmX0vB5tRz7NfYk3Hc9WpA1sDgEu"}
    site: Settings = settings.TILED.model_copy(
        update={"authentication": settings.TILED.authentication.model_copy(update=key)}
    )
    return site


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_guessable_key_causes_no_warning_on_loopback(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    startup_banner(settings.TILED, host, 8000)
    assert WARNING not in caplog.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "beamline.example.org"])
def test_a_guessable_key_is_warned_of_beyond_loopback(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    startup_banner(settings.TILED, host, 8000)
    assert WARNING in caplog.text


def test_a_random_key_is_not_warned_of(
    site_with_random_key: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    startup_banner(site_with_random_key, "0.0.0.0", 8000)
    assert WARNING not in caplog.text


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://localhost:8123"),
        ("::1", "http://[::1]:8123"),
        ("127.0.0.1", "http://127.0.0.1:8123"),
    ],
)
def test_the_client_code_can_be_pasted(host: str, address: str) -> None:
    text = startup_banner(settings.TILED, host, 8123)
    assert f'client = from_uri("{address}", api_key="<the API key above>")' in text


def test_the_key_is_printed_once() -> None:
    """Standard output of a service is kept in a journal."""
    text = startup_banner(settings.TILED, "127.0.0.1", 8123)
    assert text.count(settings.TILED.authentication.single_user_api_key) == 1


def test_the_demo_finds_address_and_key(site_with_random_key: Settings) -> None:
    found = GREETING.search(startup_banner(site_with_random_key, "127.0.0.1", 8123))
    assert found is not None
    key = site_with_random_key.authentication.single_user_api_key
    assert found.groups() == ("http://127.0.0.1:8123", key)
