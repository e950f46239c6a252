"""Bodies with any byte changed: they are refused or taken, and never a failure of the server."""

from __future__ import annotations

from collections.abc import Callable

import awkward as ak
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import ZIP, awkward_buffers, unzip_members, zip_members

from ..conftest import ARROW, Api
from . import test_ragged, test_sparse

EVENTS = ak.Array([{"x": 1, "y": [1.5], "s": "ab", "u": None}, {"x": 2, "y": [], "s": "", "u": 3}])
FORM, LENGTH, BUFFERS = awkward_buffers(EVENTS)
BODIES = {
    "/array/full/s": (test_sparse.body_of(np.eye(3, 4)), ARROW),
    "/ragged/full/r": (test_ragged.body_of([[1, 2], [], [3]]), ZIP),
    "/awkward/full/a": (zip_members(BUFFERS), ZIP),
}


def damaged(draw: Callable[..., int], body: bytes) -> bytes:
    place = draw(st.integers(0, len(body) - 1))
    octet = bytes([draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))])
    return body[:place] + octet * draw(st.integers(0, 2)) + body[place + 1 :]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_damage_is_refused_or_harmless(api: Api, data: st.DataObject) -> None:
    api.create("s", "sparse", test_sparse.structure_of((3, 4)))
    api.create("r", "ragged", test_ragged.structure_of(3, None))
    api.create("a", "awkward", AwkwardStructure(LENGTH, FORM))
    address = data.draw(st.sampled_from(list(BODIES)))
    body, media_type = BODIES[address]
    if media_type == ZIP and data.draw(st.booleans()):
        # A sound file of damaged buffers.
        members = unzip_members(body)
        name = data.draw(st.sampled_from([name for name in members if members[name]]))
        body = zip_members({**members, name: damaged(data.draw, members[name])})
    else:
        body = damaged(data.draw, body)
    response = api.send("PUT", address, body, media_type)
    assert response.status_code in (200, 413, 422), response.content
    for form in ("json", "arrow", "parquet"):
        # What was taken can be read; text that is none has no form in JSON.
        assert api.get(f"{address}?format={form}").status_code in (200, 406, 409)
