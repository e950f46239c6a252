"""A bucket that is slow, or whose answers are lost after it has stored an object."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import requests
from websockets.exceptions import ConnectionClosed

from tests.buckets import Service
from tests.servers import own_database, running
from tests.streaming.websocket_client import ARROW, KEY, OCTETS, Site, arrow_file

from .bucket_proxy import BucketProxy

FRAME = np.arange(512 * 1024, dtype="<i4").reshape(1, 512, 1024)
TABLE = pa.table({"n": np.arange(1_500_000)})
# In seconds. What requests may take longer than the retries of the storage, on a busy machine.
REQUEST_TIMEOUT, RETRY_TIMEOUT, SPARE = 1, 3, 15
RETRIES, MANY = 3, 100
REPLAY = "envelope_format=msgpack&start=0"


@pytest.fixture(scope="module")
def proxy(buckets: Service) -> Iterator[BucketProxy]:
    proxy = BucketProxy(buckets.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, buckets: Service, proxy: BucketProxy
) -> Iterator[Site]:
    settings = buckets.settings(endpoint=proxy.endpoint) | {
        "TILED_STORAGE_REQUEST_TIMEOUT": str(REQUEST_TIMEOUT),
        "TILED_STORAGE_RETRY_TIMEOUT": str(RETRY_TIMEOUT),
    }
    folder = tmp_path_factory.mktemp("lost")
    start = ("serve", "--port", "0", "--workers", "1", "--api-key", KEY)
    with own_database() as database, running(folder, *start, **database, **settings) as server:
        yield Site(server)


@pytest.fixture(autouse=True)
def answering(proxy: BucketProxy) -> Iterator[None]:
    """Let the bucket answer at once after each test."""
    yield
    proxy.lose, proxy.delay = 0, 0.0


class Subject:
    """An array without data and a write to it, which may be repeated with an idempotency key.

    `streamed` is the number of updates before the write.
    """

    streamed = 0

    def __init__(self, site: Site) -> None:
        self.site = site
        self.path = self.create()

    def create(self) -> str:
        return self.site.array(FRAME)

    def write(self, key: str) -> requests.Response:
        return self._send("PUT", f"/array/full/{self.path}", FRAME.tobytes(), OCTETS, key)

    def stored(self) -> Any:
        found = self.site.http("GET", f"/array/full/{self.path}", headers={"Accept": OCTETS})
        assert found.status_code == 200, found.text
        return np.frombuffer(found.content, "<i4").reshape(-1, *FRAME.shape[1:])

    def before(self) -> Any:
        return 0 * FRAME

    def after(self) -> Any:
        return FRAME

    def _send(self, method: str, path: str, body: bytes, kind: str, key: str) -> requests.Response:
        headers = {
            "Authorization": f"Apikey {KEY}",
            "Content-Type": kind,
            "Idempotency-Key": f"{key}-{self.path}",
        }
        return requests.request(
            method, self.site.api + path, data=body, headers=headers, timeout=60
        )


class Overwritten(Subject):
    """An array that has data."""

    streamed = 1

    def create(self) -> str:
        path = super().create()
        self.site.write(path, FRAME + 1)
        return path

    def before(self) -> Any:
        return FRAME + 1


class Extended(Overwritten):
    """An array to which a frame is appended."""

    def write(self, key: str) -> requests.Response:
        path = f"/array/full/{self.path}?offset=1,0,0&shape=1,512,1024&extend=true"
        return self._send("PATCH", path, FRAME.tobytes(), OCTETS, key)

    def after(self) -> Any:
        return np.concatenate([FRAME + 1, FRAME])


class Appended(Subject):
    """A table whose rows fill an object."""

    def create(self) -> str:
        return self.site.table(TABLE)

    def write(self, key: str) -> requests.Response:
        path = f"/table/partition/{self.path}?partition=0"
        return self._send("PATCH", path, arrow_file(TABLE), ARROW, key)

    def stored(self) -> Any:
        found = self.site.http("GET", f"/table/full/{self.path}", headers={"Accept": ARROW})
        assert found.status_code == 200, found.text
        return pa.ipc.open_file(found.content).read_all()["n"].to_numpy()

    def before(self) -> Any:
        return np.array([], "<i8")

    def after(self) -> Any:
        return TABLE["n"].to_numpy()


Kind = Callable[[Site], Subject]
KINDS: list[Kind] = [Subject, Overwritten, Extended, Appended]
kinds = pytest.mark.parametrize("kind", KINDS)


def updates(site: Site, path: str) -> int:
    """Return the number of updates of a stream, which ends here."""
    site.close(path)
    with site.socket(f"/{path}?{REPLAY}") as live:
        live.next()
        count = 0
        with contextlib.suppress(ConnectionClosed):
            while live.next():
                count += 1
    return count


@kinds
def test_a_write_whose_answers_are_lost_twice_is_stored_and_streamed_once(
    kind: Kind, site: Site, proxy: BucketProxy
) -> None:
    subject = kind(site)
    proxy.lose = 2
    response = subject.write("first")
    assert response.status_code == 200, response.text
    assert proxy.lose == 0, "no answer was lost"
    assert np.array_equal(subject.stored(), subject.after())
    assert updates(site, subject.path) == subject.streamed + 1


@kinds
def test_a_write_whose_answers_are_all_lost_is_not_stored_until_it_is_repeated(
    kind: Kind, site: Site, proxy: BucketProxy
) -> None:
    subject = kind(site)
    proxy.lose, proxy.received = MANY, []
    begun = time.monotonic()
    response = subject.write("first")
    proxy.lose = 0
    assert time.monotonic() - begun < RETRY_TIMEOUT + SPARE
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    assert sum(head.startswith(b"PUT ") for head in proxy.received) <= 1 + RETRIES
    assert np.array_equal(subject.stored(), subject.before())
    # An overwrite has no idempotency key: it is streamed each time.
    for _ in range(2 if kind in (Extended, Appended) else 1):
        response = subject.write("first")
        assert response.status_code == 200, response.text
        assert np.array_equal(subject.stored(), subject.after())
    assert updates(site, subject.path) == subject.streamed + 1


@kinds
def test_a_bucket_that_is_slow_delays_writes_and_one_that_is_too_slow_refuses_them(
    kind: Kind, site: Site, proxy: BucketProxy
) -> None:
    subject = kind(site)
    proxy.delay = 2 * REQUEST_TIMEOUT
    begun = time.monotonic()
    response = subject.write("first")
    assert REQUEST_TIMEOUT <= time.monotonic() - begun < RETRY_TIMEOUT + SPARE
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    proxy.delay = REQUEST_TIMEOUT / 4
    response = subject.write("first")
    proxy.delay = 0.0
    assert response.status_code == 200, response.text
    assert np.array_equal(subject.stored(), subject.after())
    assert updates(site, subject.path) == subject.streamed + 1


def test_nothing_of_lost_answers_is_left_but_what_the_cleanup_removes(
    site: Site, proxy: BucketProxy
) -> None:
    subject = Subject(site)
    proxy.lose = 1
    assert subject.write("first").status_code == 200
    verified = site.server.manage("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
