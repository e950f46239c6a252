"""Guesses of the site's own key have to wait; programs with an old key keep nobody out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from access.authentication import key_attempts as module
from access.authentication.key_attempts import RULE, KeyAttempts, key_attempts
from core.errors import TooMany
from tiledproject.http.trusted_proxies import TrustedProxyMiddleware

pytestmark = pytest.mark.django_db
ELSEWHERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No machine is so slow that a wait is over before the next line."""
    monkeypatch.setattr(module, "RULE", replace(RULE, first_wait=30.0))
    key_attempts.clear()
    yield
    key_attempts.clear()


def status(key: str, address: str = ELSEWHERE) -> int:
    client = Client(REMOTE_ADDR=address)
    header = {"authorization": f"Apikey {key}"}
    return client.get("/api/v1/metadata/", headers=header).status_code


def test_guesses_wait_and_the_right_key_among_them_too() -> None:
    assert [status(f"guess{n}") for n in range(RULE.free_attempts)] == [401] * RULE.free_attempts
    assert status("another") == 429
    refused = Client(REMOTE_ADDR=ELSEWHERE).get("/api/v1/metadata/?api_key=secret")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    # Neither another address, nor a key that nobody can guess.
    assert status("secret", "192.0.2.8") == 200
    assert status("0" * 72) == 401


def test_guesses_are_counted_over_all_processes() -> None:
    processes = [KeyAttempts(), KeyAttempts()]
    for number in range(RULE.free_attempts):
        processes[number % 2].record_failure(ELSEWHERE, f"guess{number}")
    # A key that several processes receive counts once.
    processes[0].record_failure(ELSEWHERE, "guess1")
    for process in processes:
        with pytest.raises(TooMany):
            process.check(ELSEWHERE)
    processes[0].check("192.0.2.8")


def test_a_repeated_revoked_key_does_not_block_the_right_one() -> None:
    assert {status("old") for _ in range(RULE.free_attempts + 10)} == {401}
    assert status("secret") == 200


def test_an_address_that_sent_the_right_key_is_not_delayed() -> None:
    assert status("secret") == 200
    assert {status(f"guess{n}") for n in range(RULE.free_attempts + 10)} == {401}
    assert status("secret") == 200


def test_the_number_of_records_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RULE", replace(RULE, buckets=3))
    for number in range(9):
        key_attempts.record_failure(f"192.0.2.{number}", "x")
    assert len(key_attempts._records) == 3


@pytest.mark.parametrize(
    ("peer", "said", "counted"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7, 127.0.0.1", "192.0.2.7"),
        ("192.0.2.9", "192.0.2.7", "192.0.2.9"),
    ],
)
async def test_attempts_count_by_the_address_that_a_trusted_proxy_forwards(
    peer: str, said: str, counted: str
) -> None:
    """Nobody chooses by a header of their own which address their guesses count for."""
    seen = {}

    async def application(scope: dict[str, object], receive: object, send: object) -> None:
        seen.update(scope)

    networks = [ipaddress.ip_network("127.0.0.1/32")]
    headers = [(b"x-forwarded-for", said.encode())]
    scope = {"type": "http", "headers": headers, "client": (peer, 1)}
    await ApplicationCommunicator(TrustedProxyMiddleware(application, networks), scope).wait()
    assert seen["client"][0] == counted
