"""Compressed payloads at real servers: read, streamed, rejected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.client.wire.compressed_frames import compressed, sparse_frames
from tests.servers import RunningServer
from tiled_client.wire.encodings import COMPRESSED, PayloadEncoding, encode_payload
from tiled_client.wire.structures import ArrayStructure

from ..websocket_client import OCTETS, Site
from .producer import PRODUCER, producing

SHAPE = (40, 60)
EMPTY = ArrayStructure.from_array(np.zeros((1, *SHAPE), "<u2")).with_shape((0, *SHAPE)).to_json()


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


def stored(site: Site, path: str) -> np.ndarray[Any, Any]:
    response = site.http("GET", f"/array/full/{path}", headers={"Accept": OCTETS})
    return np.frombuffer(response.content, "<u2").reshape(-1, *SHAPE)


def put(site: Site, target: str, payload: bytes, encoding: str, method: str = "PUT") -> Any:
    headers = {"Content-Type": OCTETS, "Content-Encoding": encoding}
    return site.http(method, target, data=payload, headers=headers)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_encoded_frames_are_stored_and_every_subscriber_can_read_them(
    site: Site, encoding: PayloadEncoding
) -> None:
    frames = sparse_frames(4, *SHAPE)
    path = site.create("array", structure=EMPTY)
    with (
        site.socket(f"/{path}?envelope_format=msgpack") as plain,
        site.socket(f"/{path}?envelope_format=msgpack&accept_encoding=x,{encoding}") as able,
        site.socket(
            f"/{path}?envelope_format=msgpack&slice=:,1:3&accept_encoding={encoding}"
        ) as part,
        site.socket(f"/{path}?accept_encoding={encoding}") as text,
        site.multi("?envelope_format=msgpack") as several,
    ):
        for one in (plain, able, part, text):
            one.next()
        several.send_command(type="subscribe", id="a", path=path, accept_encoding=encoding)
        several.next_for("a")
        payloads = [compressed(encoding, frame) for frame in frames]
        with producing(site) as producer:
            producer.open(1, path)
            assert encoding in producer.hello["encodings"]
            for n, payload in enumerate(payloads[:3], 1):
                producer.send(payload, op="append", handle=1, sequence=n, encoding=encoding)
            producer.until_applied(1, 3)
        where = f"/array/full/{path}?offset=3,0,0&shape=1,40,60&extend=true"
        assert put(site, where, payloads[3], encoding, "PATCH").status_code == 200
        for n in range(4):
            message = plain.next()
            assert "encoding" not in message
            assert message["payload"] == frames[n].tobytes()
            for message in (able.next(), several.next_for("a")):
                assert (message["encoding"], message["payload"]) == (encoding, payloads[n])
                assert message["shape"] == [1, *SHAPE]
            message = part.next()
            assert "encoding" not in message
            assert message["payload"] == frames[n, 1:3].tobytes()
            assert text.next()["payload"] == [frames[n].tolist()]
    assert np.array_equal(stored(site, path), frames)


def test_encoded_frames_that_are_not_persisted_are_streamed_only(site: Site) -> None:
    frame = sparse_frames(1, *SHAPE)
    path = site.array(np.zeros_like(frame))
    payload = compressed(PayloadEncoding.bitshuffle_lz4, frame)
    with (
        site.socket(f"/{path}?envelope_format=msgpack") as plain,
        site.socket(f"/{path}?envelope_format=msgpack&accept_encoding=bitshuffle-lz4") as able,
        producing(site) as producer,
    ):
        plain.next(), able.next()
        producer.open(1, path)
        header = {"handle": 1, "persist": False, "encoding": "bitshuffle-lz4"}
        producer.send(payload, op="write", sequence=1, **header)
        producer.until_applied(1, 1)
        assert plain.next()["payload"] == frame.tobytes()
        assert able.next()["payload"] == payload
    assert not stored(site, path).any()


def damages(encoding: PayloadEncoding) -> list[bytes]:
    """Return payloads for frames of SHAPE that are damaged, or have another size."""
    whole = compressed(encoding, sparse_frames(*SHAPE))
    broken = bytearray(whole)
    broken[20:] = bytes(255 - byte for byte in broken[20:])
    return [whole[:-1], bytes(broken), b"", compressed(encoding, np.zeros(1 << 22, "<u2"))]


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_damaged_payloads_are_rejected_alone_and_change_nothing(
    site: Site, encoding: PayloadEncoding
) -> None:
    frame = sparse_frames(1, *SHAPE)
    path = site.array(frame)
    site.write(path, frame)
    bad = damages(encoding)
    for payload in bad:
        response = put(site, f"/array/full/{path}", payload, encoding)
        assert (response.status_code, encoding in response.json()["detail"]) == (422, True)
    with producing(site) as producer:
        producer.open(1, path)
        for n, payload in enumerate([*bad, compressed(encoding, frame)], 1):
            operation = "append" if n % 2 else "write"
            persist = n not in (2, 4)
            producer.send(
                payload, op=operation, handle=1, sequence=n, encoding=encoding, persist=persist
            )
        replies = producer.until_applied(1, 5)
    failed = [(r["sequence"], r["status"], r["stopped"]) for r in replies if r["type"] == "error"]
    assert failed == [(n, 422, False) for n in range(1, 5)]
    assert np.array_equal(stored(site, path), [frame[0], frame[0]])
    with site.socket(f"/{path}?envelope_format=msgpack&start=0") as live:
        live.next()
        assert [live.next()["payload"] for _ in range(2)] == [frame.tobytes()] * 2


def test_what_cannot_be_encoded_so_is_rejected_with_415(site: Site) -> None:
    path = site.array(np.zeros(SHAPE, "<u2"))
    response = put(site, f"/array/full/{path}", b"x", "br")
    assert response.status_code == 415
    assert response.headers["Accept-Encoding"] == ", ".join(PayloadEncoding)
    body = encode_payload("zstd", np.zeros(8, "u1"))
    headers = {"Content-Type": "application/x-msgpack", "Content-Encoding": "zstd"}
    assert site.http("POST", "/ingest", data=body, headers=headers).status_code == 415
    with producing(site) as producer:
        producer.open(1, path)
        producer.send(b"x", op="write", handle=1, sequence=1, encoding="br")
        producer.send(b"{}", op="metadata", handle=1, sequence=2, encoding="zstd")
        errors = [r for r in producer.until_applied(1, 2) if r["type"] == "error"]
    assert [(error["status"], error["stopped"]) for error in errors] == [(415, False)] * 2


def test_a_body_that_would_become_too_large_is_rejected_with_413(site: Site) -> None:
    structure = ArrayStructure.from_array(np.zeros((1, 1 << 20), "u1"))
    path = site.create("array", structure=structure.with_shape((512, 1 << 20)).to_json())
    payload = encode_payload("zstd", np.zeros((1, 1 << 20), "u1"))
    response = put(site, f"/array/full/{path}", payload, "zstd")
    assert response.status_code == 413
    assert "bounds.unpacked_body" in response.json()["detail"]


def test_an_encoded_frame_that_is_sent_again_is_stored_once(site: Site) -> None:
    frame = sparse_frames(*SHAPE)
    path = site.create("array", structure=EMPTY)
    payload = compressed(PayloadEncoding.zstd, frame)
    for _ in range(2):
        with producing(site) as producer:
            producer.open(1, path, PRODUCER)
            producer.send(payload, op="append", handle=1, sequence=1, encoding="zstd")
            producer.until_applied(1, 1)
    assert np.array_equal(stored(site, path), [frame])
