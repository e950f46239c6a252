from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.fake_servers import HttpPeer, StreamPeer
from tools.backends.tiled_reference import tiled_reference

__all__ = ["tiled_reference"]


@pytest.fixture
def stream_peer() -> Iterator[StreamPeer]:
    with StreamPeer() as peer:
        yield peer


@pytest.fixture
def http_peer() -> Iterator[HttpPeer]:
    with HttpPeer() as peer:
        yield peer
