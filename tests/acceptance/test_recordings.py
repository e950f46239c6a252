"""What was recorded from the reference, replayed: a client sees the same of this server.

Where it does not, the table DIFFERENCES says why. `auth_multi_user` is replayed in `test_users`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.servers import RunningServer

from .replay import ABSENT, Changes, Like, Replay, merged, steps

HERE = Path(__file__)
RECORDINGS = [
    "array_bad_body",
    "array_block",
    "array_dtypes",
    "array_external_tiff",
    "array_patch_extend",
    "array_persist_false",
    "array_write",
    "auth_single_user",
    "close_stream",
    "close_stream_other",
    "container_child_created",
    "container_metadata_updated",
    "ragged_write",
    "refusals",
    "replay_start",
    "table_append",
    "table_write",
    "url_forms",
]


def same() -> Changes:
    """A step as it was recorded."""
    return {}


def answer(status: int, detail: str) -> Changes:
    """Another error in response to a request."""
    return {"response": {"status": status, "json": {"detail": Like(detail)}}}


def denial(status: int, detail: str) -> Changes:
    """Another refusal of a handshake."""
    said = {"headers": {"content-type": "application/json"}, "json": {"detail": Like(detail)}}
    return {"result": {"accepted": False, "status": status, **said}}


def closed(code: int, reason: str) -> Changes:
    """Another close frame."""
    return {"code": code, "reason": reason, "close_frame_received": True}


def message(**values: Any) -> Changes:
    """Other values in a message."""
    return {"decoded": values}


def asked(path: str) -> Changes:
    """Another address."""
    return {"request": {"path": path}}


def source(place: str, **values: Any) -> Changes:
    """Another description of how the data of a new node are kept, in the answer or the message."""
    described = {"data_sources": [values]}
    return {"response": {"json": described}} if place == "answer" else {"decoded": described}


def copied(recording: str, numbers: Sequence[int], socket: str) -> list[Changes]:
    """Steps as recorded under other numbers, on another WebSocket."""
    return [{**steps(recording)[number], "ws": socket} for number in numbers]


def recorded_answer(recording: str, number: int) -> Any:
    """What another step of a recording was answered with, in place of an error."""
    return {"detail": ABSENT, **steps(recording)[number]["response"]["json"]}


def text(socket: str, **values: Any) -> Changes:
    """A whole message to a subscriber in JSON, where none was recorded."""
    common = {
        "type": "array-data",
        "timestamp": "",
        "mimetype": "application/octet-stream",
        "offset": None,
        "block": None,
        "content-type": "application/json",
    }
    return {"step": "ws_frame", "ws": socket, "type": "text", "decoded": {**common, **values}}


TIFF = "{base}/api/v1/array/full/ext%20dir/tif?slice="
ARROW = "application/vnd.apache.arrow.stream"
NUMBERS = "start must be a sequence number"

# For each step of a recording that goes another way here, the steps to expect in its place.
DIFFERENCES: dict[str, dict[int, list[Changes]]] = {
    "array_bad_body": {
        # What is refused is not streamed, and told as the client's mistake.
        5: [answer(422, "must be 24 bytes, for shape [3] of dtype int64; 16 bytes were received")],
        6: [],
        7: [],
        8: [answer(415, "The Content-Type must be application/octet-stream")],
        10: [message(sequence=1)],
    },
    "array_dtypes": {
        # Big-endian and complex numbers have a JSON form.
        17: [text("j-dt_be", sequence=1, shape=[2], payload=[1, 2])],
        76: [text("j-dt_complex", sequence=1, shape=[1], payload=[[1.0, 2.0]])],
        # Nothing is a payload, too: clients drop an update with none.
        104: [message(payload={"base64": ""})],
        105: [message(payload=[], **{"content-type": "application/json"})],
    },
    "array_external_tiff": {
        9: [answer(400, "patch_shape and patch_offset go together")],
        10: [answer(400, "patch_shape and patch_offset go together")],
        # Assets are registered when the parent is told of them: they have their ids.
        4: [message(data_sources=[{"assets": [{"id": 21}, {"id": 22}]}])],
        # Addresses are escaped, and https behind a proxy that speaks it.
        12: [message(uri=TIFF + "2:3,0:2,0:3")],
        13: [message(uri=TIFF + "2:3,0:2,0:3")],
        16: [message(uri=TIFF + ":4,:2,:3")],
        17: [message(uri=TIFF + ":4,:2,:3")],
        21: [message(uri=TIFF.format(base="https://data.example.org") + "2:3,0:2,0:3")],
        22: [message(uri=TIFF.format(base="https://data.example.org") + ":4,:2,:3")],
        25: [message(uri=TIFF.format(base="https://data.example.org") + ":4,:2,:3")],
    },
    "array_patch_extend": {
        # What is refused is not streamed.
        14: [answer(409, "does not fit within current array shape (6,). Use ?extend=true to")],
        15: [],
        16: [],
    },
    "array_persist_false": {
        # Subscribers see an array grow without it being stored.
        8: [
            {"response": {"status": 200, "json": recorded_answer("array_persist_false", 6)}},
            merged(steps("array_persist_false")[7], message(sequence=4, offset=[3], shape=[1])),
        ]
    },
    "auth_single_user": {
        # Errors after the handshake have a close frame.
        47: [closed(4003, "Authentication failed")],
        56: [closed(4004, "No such entry: ['nope']")],
    },
    "close_stream": {
        # An end takes no sequence number, and an old one does not stop who comes after it.
        18: [message(sequence=2)],
        22: [message(sequence=2)],
        23: [],
        24: [asked("/api/v1/stream/single/cs?envelope_format=json&start=2")],
        26: [message(sequence=2)],
        29: [message(sequence=2)],
        30: [],
        33: [same(), {"ws": "late2"}, {"ws": "atend"}],
        36: [asked("/api/v1/stream/single/cs?envelope_format=json&start=3")],
        38: [message(sequence=3)],
    },
    "close_stream_other": {5: [source("answer", mimetype=ARROW, assets=[])]},
    "container_child_created": {
        # Tables are kept otherwise, and in files that nobody need know of.
        11: [source("answer", mimetype=ARROW, assets=[])],
        12: [source("message", mimetype=ARROW)],
        13: [source("message", mimetype=ARROW)],
    },
    "no_streaming_cache": {
        # Known before the handshake, and told.
        1: [denial(503, "this server has no streaming cache")],
        2: [denial(503, "this server has no streaming cache")],
        3: [],
        4: [],
    },
    "ragged_write": {
        0: [source("answer", assets=[], parameters={"table_name": ABSENT, "dataset_id": ABSENT})],
        # The number of elements grows with the rows.
        11: [{"response": {"json": {"size": 6}}}],
    },
    "refusals": {
        2: [denial(403, "envelope_format must be json or msgpack, not 'xml'")],
        3: [denial(403, NUMBERS)],
        # Files are made when they are written. Awkward arrays have streams here.
        6: [source("answer", assets=[])],
        7: [],
        8: [source("answer", assets=[])],
    },
    "replay_expired": {
        # Numbering has begun again: what follows is not taken for what was heard before.
        18: [text("stale", sequence=1, shape=[3], payload=[4, 4, 4]), same()],
    },
    "replay_start": {
        # For the same reason, whoever asks for what is beyond the stream gets all of it.
        29: [same(), *copied("replay_start", range(9, 13), "beyond")],
        # A negative number could mean a search through numbers without end.
        30: [denial(403, NUMBERS)],
        **{number: [] for number in (31, 32, 33, 34, 35, 47, 55)},
        36: [denial(403, NUMBERS)],
        37: [denial(403, NUMBERS)],
        38: [denial(403, NUMBERS)],
    },
    "table_append": {0: [source("answer", assets=[], parameters={"dataset_id": ABSENT})]},
    "table_write": {0: [source("answer", mimetype=ARROW, assets=[])]},
}


@pytest.mark.parametrize("recording", RECORDINGS)
def test_a_client_sees_what_was_recorded(
    site: RunningServer, readable: Path, recording: str
) -> None:
    replay = Replay(site.uri, readable, DIFFERENCES.get(recording, {}))
    assert replay.run(recording) == []


def test_a_public_site_answers_as_recorded(public_site: RunningServer, readable: Path) -> None:
    assert Replay(public_site.uri, readable).run("auth_public") == []


def test_a_history_that_expires_is_told_as_recorded(
    public_site: RunningServer, readable: Path
) -> None:
    # Its time to live is half of what it was when this was recorded.
    replay = Replay(public_site.uri, readable, DIFFERENCES["replay_expired"], second=0.5)
    assert replay.run("replay_expired") == []


def test_a_site_without_streams_answers_as_recorded(uncached_site: str, readable: Path) -> None:
    replay = Replay(uncached_site, readable, DIFFERENCES["no_streaming_cache"])
    assert replay.run("no_streaming_cache") == []


def test_every_recording_is_replayed() -> None:
    named = {"auth_public", "auth_multi_user", "no_streaming_cache", "replay_expired", *RECORDINGS}
    assert {path.stem for path in (HERE.parents[1] / "recordings").glob("*.json")} == named
