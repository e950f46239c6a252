"""Reductions over HTTP: those of what numpy would cut out, in every format."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pyarrow as pa
import pytest

from catalog.services.arrays import reduced
from tiled_client.wire.reductions import Reduction
from tiled_client.wire.slices import parse_slice
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc

FRAMES = np.arange(3 * 7 * 10, dtype="<u2").reshape(3, 7, 10)


@pytest.mark.parametrize("sliced", ["", "1", ":,::2,3:", "2:,::-1", "0:0"])
@pytest.mark.parametrize("text", ["mean:4,4", "sum:3", "min:2,2", "max:3,100"])
def test_what_is_read_is_the_reduction_of_the_slice(api: Api, sliced: str, text: str) -> None:
    api.array("a", FRAMES)
    wanted = Reduction.parse(text).apply(FRAMES[parse_slice(sliced)])
    shape = ",".join(map(str, wanted.shape))
    response = api.get(
        f"/array/full/a?slice={sliced}&reduce={text}&expected_shape={shape}", accept=OCTETS
    )
    assert response.content == wanted.tobytes()
    as_json = api.get(f"/array/full/a?slice={sliced}&reduce={text}&format=json")
    assert orjson.loads(as_json.content) == wanted.tolist()


def test_a_large_array_is_reduced_part_by_part(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    structure = replace(ArrayStructure.from_array(FRAMES), chunks=((2, 1), (3, 4), (10,)))
    api.create("a", "array", structure)
    api.send("PUT", "/array/full/a", FRAMES.tobytes(), OCTETS)
    monkeypatch.setattr(reduced, "MAX_PART_BYTES", 64)
    for text in ("max:3,1,1", "mean:2,2,3", "sum:2,4,7"):
        wanted = Reduction.parse(text).apply(FRAMES[:, 1:])
        found = api.get(f"/array/full/a?slice=:,1:&reduce={text}", accept=OCTETS)
        assert found.content == wanted.tobytes()


def test_a_reduction_that_the_client_has_is_not_sent_again(api: Api) -> None:
    api.array("a", FRAMES)
    etags = [
        api.get(f"/array/full/a{query}", accept=OCTETS).headers["ETag"]
        for query in ("", "?reduce=max:4,4", "?reduce=min:4,4")
    ]
    assert len(set(etags)) == 3
    again = api.get("/array/full/a?reduce=max:4,4", accept=OCTETS, if_none_match=etags[1])
    assert (again.status_code, again.content) == (304, b"")


def test_a_chunk_and_a_column_are_reduced_as_well(api: Api) -> None:
    api.array("a", FRAMES)
    wanted = Reduction.parse("max:4,4").apply(FRAMES[:2])
    found = api.get("/array/block/a?block=0,0,0&slice=0:2&reduce=max:4,4", accept=OCTETS)
    assert found.content == wanted.tobytes()
    api.table("t", rows := pa.table({"n": [1, 2, 4]}))
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    assert api.read("/array/full/t/n?reduce=mean:2", "<f8").tolist() == [1.5, 4]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("reduce=median:2", "reduce must be one of mean, sum, min and max"),
        ("reduce=mean:0", "reduce must be one of"),
        ("reduce=mean:2,2,2,2", "reduce has 4 factors, but the array, after slice, has 3"),
        ("slice=0,0,0&reduce=mean:2", "reduce has 1 factors, but the array, after slice, has 0"),
    ],
)
def test_a_reduction_that_does_not_fit_is_refused(api: Api, query: str, sentence: str) -> None:
    api.array("a", FRAMES)
    for address in ("array/full/a?", "array/block/a?block=0,0,0&"):
        response = api.get(f"/{address}{query}")
        assert (response.status_code, detail(response)[: len(sentence)]) == (400, sentence)


def test_data_without_numbers_are_refused(api: Api) -> None:
    api.array("a", np.array(["x", "y"]))
    response = api.get("/array/full/a?reduce=max:2")
    assert response.status_code == 400
    assert detail(response) == "max cannot be computed of data of dtype <U1."


def test_what_is_too_large_to_send_or_to_read_is_refused_with_the_remedy(api: Api) -> None:
    one = ArrayStructure.from_array(np.zeros(1, "u1"))
    size = 300_000_000 * 65
    api.create("huge", "array", replace(one, shape=(size,), chunks=((size,),)))
    response = api.get("/array/full/huge?reduce=sum:2")
    assert response.status_code == 400
    assert "Use larger factors in 'reduce', or slicing" in detail(response)
    response = api.get("/array/full/huge?reduce=max:1000000")
    assert response.status_code == 400
    assert "would read more than 19200000000. Use slicing" in detail(response)
