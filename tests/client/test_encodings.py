"""Compressed data through the clients: written, followed, and decompressed."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.client.wire.compressed_frames import bitshuffle_lz4, compressed, sparse_frames
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import from_uri, from_uri_async
from tiled_client.wire.encodings import COMPRESSED, PayloadEncoding

SHAPE = (64, 80)


@pytest.fixture
def client(server: RunningServer) -> Any:
    return from_uri(server.uri, api_key=API_KEY)


def empty(client: Any, codec: str | None = None) -> Any:
    return client.write_array(np.empty((0, *SHAPE), "<u2"), codec=codec)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_frames_that_are_compressed_already_are_written_and_followed(
    client: Any, encoding: PayloadEncoding
) -> None:
    frames = sparse_frames(4, *SHAPE)
    payloads = [compressed(encoding, frame) for frame in frames]
    x = empty(client, encoding)
    with x.writer() as w:
        w.append(payloads[0], encoding=encoding)
        w.append(payloads[1], encoding=encoding)
        w.patch(payloads[2], offset=2, extend=True, encoding=encoding, shape=SHAPE)
    x.refresh()
    x.patch(payloads[3], offset=3, extend=True, encoding=encoding, shape=SHAPE)
    assert x.structure.codec == encoding
    assert np.array_equal(x.read(), frames)
    x.close_stream()
    updates = list(x.updates(start=0, accept_encoding=encoding))
    assert [(u.encoding, u.payload) for u in updates] == [(encoding, p) for p in payloads]
    assert np.array_equal(np.concatenate([u.data() for u in updates]), frames)
    assert not updates[0].data().flags.writeable
    plain = list(x.updates(start=0))
    assert {u.encoding for u in plain} == {None}
    assert np.array_equal(np.concatenate([u.data() for u in plain]), frames)


def test_arrays_are_compressed_by_the_client(client: Any) -> None:
    frame = sparse_frames(*SHAPE)
    x = client.write_array(np.zeros((2, *SHAPE), "<u2"), chunks=((1, 1), SHAPE[:1], SHAPE[1:]))
    x.write(np.stack([frame, frame + 1]), encoding="zstd")
    x.write_block((frame + 2)[np.newaxis], (1, 0, 0), encoding="lz4")
    with x.writer() as w:
        w.append(frame + 3, encoding="blosc")
        w.write_block((frame + 4)[np.newaxis], (0, 0, 0), encoding="blosc2")
    x.refresh()
    assert np.array_equal(x.read(), np.stack([frame + 4, frame + 2, frame + 3]))


def test_frames_that_are_not_persisted_are_compressed_in_the_stream(client: Any) -> None:
    frames = sparse_frames(3, *SHAPE)
    x = empty(client)
    with x.writer(persist=False) as w:
        for frame in frames:
            w.append(bitshuffle_lz4(frame), encoding="bitshuffle-lz4")
        w.close_stream()
    updates = list(x.updates(start=0, accept_encoding=["zstd", "bitshuffle-lz4"]))
    assert [u.encoding for u in updates] == ["bitshuffle-lz4"] * 3
    assert [u.offset[0] for u in updates] == [0, 1, 2]
    assert np.array_equal(np.concatenate([u.data() for u in updates]), frames)


def test_the_client_of_asyncio_writes_and_follows_compressed_data(server: RunningServer) -> None:
    frames = sparse_frames(2, *SHAPE)

    async def follow() -> list[Any]:
        async with await from_uri_async(server.uri, api_key=API_KEY) as client:
            x = await client.write_array(np.empty((0, *SHAPE), "<u2"), codec="zstd")
            async with x.writer() as w:
                await w.append(frames[0], encoding="zstd")
            await x.refresh()
            payload = compressed(PayloadEncoding.zstd, frames[1])
            await x.patch(payload, offset=1, extend=True, encoding="zstd", shape=SHAPE)
            await x.close_stream()
            return [update async for update in x.updates(start=0, accept_encoding="zstd")]

    updates = asyncio.run(follow())
    assert [update.encoding for update in updates] == ["zstd"] * 2
    assert np.array_equal(np.concatenate([update.data() for update in updates]), frames)


def test_mistakes_are_reported_before_anything_is_sent(client: Any) -> None:
    x, payload = empty(client), bitshuffle_lz4(sparse_frames(*SHAPE))
    with pytest.raises(TypeError, match="encoding="):
        x.patch(payload, offset=0, extend=True)
    with pytest.raises(TypeError, match="shape="):
        x.patch(payload, offset=0, extend=True, encoding="bitshuffle-lz4")
    with pytest.raises(ValueError, match="Unknown encoding 'gzip'"):
        x.write(np.zeros((0, *SHAPE), "<u2"), encoding="gzip")
    with pytest.raises(ValueError, match="10240 bytes"):
        x.write(payload, encoding="bitshuffle-lz4")
    with pytest.raises(ValueError, match="does not begin"):
        x.write(payload[:3], encoding="bitshuffle-lz4")
    with pytest.raises(ValueError, match="compress as blosc"):
        x.write(np.zeros((0, *SHAPE), "<u2"), encoding="bitshuffle-lz4")
    with pytest.raises(ValueError, match="Unknown encoding"):
        x.subscribe(accept_encoding="gzip")
    with x.writer() as w, pytest.raises(ValueError, match="frames have the shape"):
        w.append(compressed(PayloadEncoding.zstd, np.zeros(7, "<u2")), encoding="zstd")
