"""Arrays in a bucket whose answers are lost: a write is stored whole, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.buckets import Service
from tests.conftest import API_KEY
from tests.servers import own_database, running
from tiled_client import from_uri

from .bucket_proxy import BucketProxy

FRAME = np.ones((1, 512, 1024), "f4")
START = ("serve", "--port", "0", "--workers", "1", "--api-key", API_KEY)


@pytest.fixture
def proxy(buckets: Service) -> Iterator[BucketProxy]:
    proxy = BucketProxy(buckets.endpoint)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("stop", ["before", "after"])
def test_an_overwrite_that_the_bucket_does_not_answer_changes_nothing_until_it_is_repeated(
    buckets: Service, proxy: BucketProxy, tmp_path: Path, stop: str
) -> None:
    settings = buckets.settings(endpoint=proxy.endpoint)
    settings |= {"TILED_STORAGE_REQUEST_TIMEOUT": "1", "TILED_STORAGE_RETRY_TIMEOUT": "0"}
    with (
        own_database() as database,
        running(tmp_path / "site", *START, **database, **settings) as server,
    ):
        frames = from_uri(server.uri, api_key=API_KEY).write_array(0 * FRAME, key="x")
        for number in (1, 2):
            frames.patch(0 * FRAME, offset=(number, 0, 0), extend=True)
        address = f"{server.uri.rstrip('/')}/api/v1/array/full/x"
        headers = {"Authorization": f"Apikey {API_KEY}", "Content-Type": "application/octet-stream"}
        proxy.arm(stop)
        failed: list[requests.Response] = []

        def overwrite() -> None:
            body = np.concatenate([FRAME] * 3).tobytes()
            failed.append(requests.put(address, data=body, headers=headers, timeout=60))

        thread = threading.Thread(target=overwrite)
        thread.start()
        assert proxy.stopped.wait(30)
        assert not frames.read().any(), "readers see the array before the write"
        thread.join(60)
        assert failed[0].status_code == 503
        assert int(failed[0].headers["Retry-After"]) > 0
        assert not frames.read().any()
        proxy.disarm()

        overwrite()
        assert failed[1].status_code == 200, failed[1].text
        assert (frames.read() == 1).all()
