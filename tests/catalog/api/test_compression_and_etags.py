"""How answers travel: compressed where that was asked for and pays, known by their ETag."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import blosc2
import numpy as np
import pytest
import zstandard
from django.http import HttpResponse, StreamingHttpResponse
from hypothesis import given
from hypothesis import strategies as st

from catalog.api.data.raw_array_responses import MAX_UNSTREAMED_BYTES
from catalog.storage.selection_chunks import split_selection
from core.http.compression import choose_encoding
from core.http.content_encodings import ENCODERS
from tests.catalog.storage.strategies import selections
from tiled_client.wire.structures import ArrayStructure

from ..conftest import OCTETS, Api, detail

STEPS = np.arange(20_000)
NOISE = np.random.default_rng(0).integers(0, 255, 200_000, np.uint8)
# What the Tiled client sends where all its decoders are installed.
CLIENT = "gzip, deflate, zstd, blosc2"


def unblosc(data: bytes) -> bytes:
    """Frame after frame, as the Tiled client does it."""
    whole, start = b"", 0
    while start < len(data):
        _, size, _ = blosc2.get_cbuffer_sizes(data[start:])
        whole += blosc2.decompress(data[start : start + size])
        start += size
    return whole


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": unzstd,
    "blosc2": unblosc,
}


def body(response: HttpResponse | StreamingHttpResponse) -> bytes:
    return b"".join(response) if isinstance(response, StreamingHttpResponse) else response.content


@pytest.mark.parametrize(
    ("asked", "encoding"),
    [(CLIENT, "blosc2"), ("gzip, zstd", "zstd"), ("gzip;q=0.5, br", "gzip"), ("*", "gzip")],
)
def test_numbers_are_compressed_with_an_accepted_encoding(
    api: Api, asked: str, encoding: str
) -> None:
    api.array("steps", STEPS)
    plain = api.get("/array/full/steps", accept=OCTETS)
    response = api.get("/array/full/steps", accept=OCTETS, accept_encoding=asked)
    assert response.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in response.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    assert response.headers["ETag"] == plain.headers["ETag"]
    assert len(response.content) < len(plain.content) / 2
    assert DECODERS[encoding](response.content) == plain.content == STEPS.tobytes()


@pytest.mark.parametrize("asked", ["", "identity", "br, lz4", "gzip;q=0, *;q=0", "gzip;q=high"])
def test_responses_are_not_compressed_without_accept_encoding(api: Api, asked: str) -> None:
    api.array("steps", STEPS)
    response = api.get("/array/full/steps", accept=OCTETS, accept_encoding=asked)
    assert "Content-Encoding" not in response.headers


def test_small_and_incompressible_bodies_are_not_compressed(api: Api) -> None:
    api.array("noise", NOISE)
    api.array("short", STEPS[:100])
    for path in ("noise", "short"):
        response = api.get(f"/array/full/{path}", accept=OCTETS, accept_encoding=CLIENT)
        assert "Content-Encoding" not in response.headers
        assert response.status_code == 200


def test_metadata_is_compressed_with_text_encodings(api: Api) -> None:
    api.send(
        "POST",
        "/metadata/",
        {"id": "a", "structure_family": "container", "metadata": {"a": "b" * 2000}},
    )
    response = api.get("/metadata/a", accept="application/x-msgpack", accept_encoding=CLIENT)
    assert response.headers["Content-Encoding"] == "zstd"
    assert response.headers["Content-Type"] == "application/x-msgpack"


@pytest.mark.parametrize("encoding", list(DECODERS))
def test_large_arrays_are_sent_in_pieces_and_come_whole(api: Api, encoding: str) -> None:
    numbers = np.arange(MAX_UNSTREAMED_BYTES // 8 + 1000, dtype=np.int64).reshape(-1, 8)
    api.array("large", numbers)
    response = api.get("/array/full/large", accept=OCTETS)
    assert isinstance(response, StreamingHttpResponse)
    assert response.headers["Content-Length"] == str(numbers.nbytes)
    assert body(response) == numbers.tobytes()
    shrunk = api.get("/array/full/large?slice=::-1", accept=OCTETS, accept_encoding=encoding)
    assert shrunk.headers["Content-Encoding"] == encoding
    assert "Content-Length" not in shrunk.headers
    assert DECODERS[encoding](body(shrunk)) == numbers[::-1].tobytes()


@pytest.mark.parametrize("shown", ["{}", '"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_a_matching_etag_returns_304_without_a_body(api: Api, shown: str) -> None:
    api.array("steps", STEPS)
    first = api.get("/array/full/steps", accept=OCTETS)
    etag = first.headers["ETag"]
    again = api.get("/array/full/steps", accept=OCTETS, if_none_match=shown.format(etag))
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)


def test_etags_differ_by_content_and_media_type(api: Api) -> None:
    api.array("steps", STEPS)
    etags = {api.get("/array/full/steps", accept=t).headers["ETag"] for t in (OCTETS, "text/csv")}
    api.send("PUT", "/array/full/steps", (STEPS + 1).tobytes(), OCTETS)
    changed = api.get("/array/full/steps", accept=OCTETS, if_none_match=", ".join(etags))
    assert changed.status_code == 200
    assert len({changed.headers["ETag"], *etags}) == 3


def test_an_answer_that_would_be_too_large_is_refused_in_a_sentence(api: Api) -> None:
    one = ArrayStructure.from_array(np.zeros(1))
    size = 300_000_000 // 8 + 1
    api.create("huge", "array", replace(one, shape=(size,), chunks=((size,),)))
    response = api.get("/array/full/huge", accept=OCTETS)
    assert response.status_code == 400
    assert detail(response).startswith("Response would exceed 300000000. Use slicing ('?slice=")


@given(st.data())
def test_portions_are_the_whole_selection_in_order(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple))
    chunk = tuple(data.draw(st.integers(1, size)) for size in shape)
    items = data.draw(selections(shape))
    array = np.arange(np.prod(shape)).reshape(shape)
    most = data.draw(st.integers(1, 20))
    parts = [
        array[part].ravel() for part in split_selection(shape, items, chunk, max_elements=most)
    ]
    np.testing.assert_array_equal(np.concatenate([np.empty(0), *parts]), array[items].ravel())


@given(pieces=st.lists(st.binary(max_size=50), max_size=5), name=st.sampled_from(list(ENCODERS)))
def test_a_body_encoded_in_pieces_is_decoded_as_one(pieces: list[bytes], name: str) -> None:
    encoder = ENCODERS[name]()
    encoded = b"".join([*map(encoder.encode, pieces), encoder.end()])
    assert (DECODERS[name](encoded) if encoded else b"") == b"".join(pieces)


@given(st.text(alphabet="gzipstdblo2,;q=.01* ", max_size=40))
def test_any_accept_encoding_header_selects_a_known_encoding_or_none(header: str) -> None:
    assert choose_encoding(header, ("blosc2", "zstd", "gzip")) in {None, *DECODERS}
