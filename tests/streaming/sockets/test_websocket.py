"""The WebSocket endpoint of real servers: the production one and the development one."""

from __future__ import annotations

import json
from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pytest

from tests.servers import RunningServer

from ..websocket_client import ARROW, INT64, OCTETS, Site, arrow_file

ENDED = (1000, "Producer ended stream")


@pytest.fixture(params=["server", "runserver"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.getfixturevalue(request.param))


@pytest.fixture
def served(server: RunningServer) -> Site:
    return Site(server)


@pytest.mark.parametrize("envelope", ["json", "msgpack"])
def test_an_array_is_streamed_from_its_schema_to_its_end(site: Site, envelope: str) -> None:
    path = site.array()
    with site.socket(f"/{path}?envelope_format={envelope}") as live:
        schema = live.next()
        assert schema.pop("data_type") == INT64
        position = {"epoch": None, "sequence": 0, "end": 0}
        assert schema == {"type": "array-schema", "version": 1, **position}
        site.write(path, [1, 2, 3])
        site.write(path, [4, 5, 6], "?persist=False")
        site.done(
            "PATCH",
            f"/array/full/{path}?offset=3&shape=2&extend=True",
            data=np.array([7, 8]).tobytes(),
            headers={"Content-Type": OCTETS},
        )
        first, second, third = live.next(), live.next(), live.next()
        assert [update["sequence"] for update in (first, second, third)] == [1, 2, 3]
        assert (first["shape"], first["offset"], first["block"]) == ([3], None, None)
        assert (third["shape"], third["offset"], third["block"]) == ([2], [3], None)
        numbers = np.array([4, 5, 6])
        assert second["payload"] == (numbers.tolist() if envelope == "json" else numbers.tobytes())
        site.close(path)
        assert live.closing() == ENDED
    with site.socket(f"/{path}?envelope_format={envelope}&start=0") as late:
        schema = late.next()
        assert (schema["epoch"], schema["sequence"]) == (first["epoch"], 3)
        assert [late.next() for _ in range(3)] == [first, second, third]
        assert late.closing() == ENDED


def test_a_table_is_streamed_with_appended_rows(site: Site) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    path = site.table(table)
    with (
        site.socket(f"/{path}") as readable,
        site.socket(f"/{path}?envelope_format=msgpack") as compact,
    ):
        schema = readable.next()
        assert schema["type"] == "table-schema"
        assert compact.next() == schema
        body, headers = arrow_file(table), {"Content-Type": ARROW}
        site.done("PUT", f"/table/partition/{path}?partition=0", data=body, headers=headers)
        site.done("PATCH", f"/table/partition/{path}?partition=0", data=body, headers=headers)
        written, appended = readable.next(), readable.next()
        assert written["payload"] == {"a": [1, 2], "b": ["x", "y"]}
        assert (appended["partition"], appended["append"]) == (0, True)
        assert [written["rows"], appended["rows"]] == [
            {"offset": 0, "count": 2},
            {"offset": 2, "count": 2},
        ]
        assert compact.next()["payload"] == body


def test_a_container_announces_its_children(site: Site) -> None:
    parent = site.create("container")
    with site.socket(f"/{parent}") as live:
        assert live.next()["type"] == "container-schema"
        child = site.array(parent=parent, metadata={"a": 1})
        site.done(
            "PUT", f"/metadata/{child}", json={"metadata": {"a": 2}, "specs": [{"name": "s"}]}
        )
        created, updated = live.next(), live.next()
        assert (created["type"], created["sequence"]) == ("container-child-created", 1)
        assert created["metadata"] == {"a": 1}
        [source] = created["data_sources"]
        assert (source["structure"]["shape"], source["assets"]) == ([3], [])
        assert (updated["type"], updated["sequence"]) == ("container-child-metadata-updated", 2)
        assert updated["metadata"] == {"a": 2}
        assert updated["specs"][0]["name"] == "s"


@pytest.mark.parametrize(
    ("address", "status", "detail"),
    [
        ("/nothing/here", 404, "No such entry: ['nothing', 'here']"),
        ("/?start=abc", 403, "start must be"),
        ("/?start=", 403, "start must be"),
        ("/?start=-1", 403, "start must be"),
        ("/?envelope_format=xml", 403, "envelope_format must be"),
        ("/?access_token=garbage", 401, "Could not validate credentials"),
    ],
)
def test_an_invalid_query_is_rejected_with_a_detail(
    site: Site, address: str, status: int, detail: str
) -> None:
    response = site.rejection(address)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.body)["detail"].startswith(detail)


def test_wrong_credentials_are_rejected(site: Site) -> None:
    wrong = site.rejection("/", key="wrong")
    assert (wrong.status_code, json.loads(wrong.body)) == (401, {"detail": "Invalid API key"})
    other = site.rejection("/", key=None, headers={"Authorization": "Bearer secret"})
    assert other.status_code == 400
    assert json.loads(other.body) == {
        "detail": "Authorization header must be formatted like 'Apikey SECRET'"
    }
    with site.socket("/", key=None, headers={"Authorization": "apikey secret"}) as accepted:
        assert accepted.next()["type"] == "container-schema"


def test_urls_of_no_stream_are_rejected(site: Site) -> None:
    assert site.rejection("").status_code == 403
    assert site.rejection("/../../other/x").status_code in (403, 404)


@pytest.mark.parametrize("address", ["/{0}/a%20b", "//{0}//a%20b", "/{0}//a%20b", "/{0}%2Fa%20b"])
def test_empty_segments_of_a_path_are_ignored(served: Site, address: str) -> None:
    parent = served.create("container")
    served.array(parent=parent, id="a b")
    with served.socket(address.format(parent)) as socket:
        assert socket.next()["type"] == "array-schema"


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("nonsense", 4001, "Expected JSON auth message"),
        (b"{}", 4001, "Expected JSON auth message"),
        ("[]", 4001, 'Expected {"type": "auth", ...}'),
        ('{"type": "other"}', 4001, 'Expected {"type": "auth", ...}'),
        ('{"type": "auth"}', 4003, "Authentication failed"),
        ('{"type": "auth", "api_key": 5}', 4003, "Authentication failed"),
        ('{"type": "auth", "api_key": "wrong"}', 4003, "Authentication failed"),
    ],
)
def test_an_invalid_auth_message_closes_the_connection(
    site: Site, message: str | bytes, code: int, reason: str
) -> None:
    with site.socket("/nothing", key=None) as socket:
        socket.connection.send(message)
        assert socket.closing() == (code, reason)


def test_a_key_in_the_first_message_authenticates(site: Site) -> None:
    path = site.array()
    with site.socket(f"/{path}?start=0", key=None) as socket:
        socket.connection.send('{"type": "auth", "api_key": "secret"}')
        assert socket.next()["type"] == "array-schema"
        socket.connection.send("anything else is ignored")
        site.write(path, [1, 2, 3])
        assert socket.next()["sequence"] == 1
    with site.socket("/nothing", key=None) as socket:
        socket.connection.send('{"type": "auth", "api_key": "secret"}')
        assert socket.closing() == (4004, "No such entry: ['nothing']")


def test_an_end_closes_only_subscriptions_that_were_open(site: Site) -> None:
    path = site.array()
    site.write(path, [1, 2, 3])
    site.close(path)
    with site.socket(f"/{path}") as waiting:
        waiting.next()
        site.write(path, [4, 5, 6])
        assert waiting.sequences(1) == [2]
        with site.socket(f"/{path}?start=0") as late:
            late.next()
            assert late.sequences(2) == [1, 2]
            site.close(path)
            site.close(path)
            assert waiting.closing() == late.closing() == ENDED


def test_deleting_a_node_closes_its_subscriptions(site: Site) -> None:
    path = site.array()
    with site.socket(f"/{path}") as socket:
        socket.next()
        site.done("DELETE", f"/metadata/{path}?external_only=false")
        assert socket.closing() == (1000, "Node deleted")
    assert site.rejection(f"/{path}").status_code == 404


def test_a_rejected_write_is_not_streamed(site: Site) -> None:
    path = site.array()
    with site.socket(f"/{path}") as socket:
        socket.next()
        headers = {"Content-Type": OCTETS}
        short = site.http("PUT", f"/array/full/{path}", data=b"short", headers=headers)
        assert short.status_code == 422
        outside = site.http(
            "PATCH",
            f"/array/full/{path}?offset=9&shape=1&extend=False",
            data=bytes(8),
            headers=headers,
        )
        assert outside.status_code == 409
        site.write(path, [1, 2, 3])
        assert socket.next()["sequence"] == 1


def test_an_extension_can_be_read_when_its_update_arrives(site: Site) -> None:
    path = site.array()
    with site.socket(f"/{path}") as socket:
        socket.next()
        for length in range(4, 10):
            site.done(
                "PATCH",
                f"/array/full/{path}?offset={length - 1}&shape=1&extend=True",
                data=bytes(8),
                headers={"Content-Type": OCTETS},
            )
            socket.next()
            node = site.done("GET", f"/metadata/{path}")["data"]["attributes"]
            assert node["structure"]["shape"] == [length]


def test_the_last_update_of_a_burst_arrives_before_the_end(site: Site) -> None:
    path = site.array(np.zeros(250_000))
    with site.socket(f"/{path}?envelope_format=msgpack") as socket:
        socket.next()
        for value in range(12):
            site.write(path, np.full(250_000, float(value)), "?persist=False")
        site.close(path)
        updates = [socket.next() for _ in range(12)]
        assert [np.frombuffer(update["payload"])[-1] for update in updates] == list(range(12))
        assert socket.closing() == ENDED


def test_notices_are_sent_to_clients_with_the_feature(site: Site) -> None:
    path = site.array()
    site.write(path, [1, 2, 3])
    features = "features=gap,reset,heartbeat,child-deleted"
    with site.socket(f"/{path}?start=9&epoch=old&{features}") as socket:
        epoch = socket.next()["epoch"]
        reset = socket.next()
        assert reset.pop("timestamp").endswith("Z")
        assert reset == {"type": "reset", "epoch": epoch, "previous": "old", "sequence": 1}
        assert socket.sequences(1) == [1]
    with site.socket(
        f"/{path}?start=latest&policy=latest&envelope_format=msgpack&{features}"
    ) as socket:
        socket.next()
        assert socket.sequences(1) == [1]
        site.done("DELETE", f"/metadata/{path}?external_only=false")
        assert socket.closing() == (4010, "Node deleted")


def test_a_client_that_resumes_at_the_end_of_a_closed_stream_waits(site: Site) -> None:
    path = site.array()
    site.write(path, [1, 2, 3])
    site.close(path)
    with site.socket(f"/{path}") as waiting:
        schema = waiting.next()
        assert (schema["sequence"], schema["end"]) == (1, 1)
    with site.socket(f"/{path}?start=2&end=1&epoch={schema['epoch']}") as again:
        again.next()
        site.write(path, [4, 5, 6])
        assert again.sequences(1) == [2]


def test_a_slice_of_an_array_is_streamed(site: Site) -> None:
    path = site.array(np.zeros((4, 4), ">i2"))
    with (
        site.socket(f"/{path}?slice=::2,1") as readable,
        site.socket(f"/{path}?slice=::2,1&envelope_format=msgpack") as compact,
    ):
        readable.next(), compact.next()
        site.write(path, np.arange(16, dtype=">i2").reshape(4, 4))
        whole = readable.next()
        assert (whole["slice"], whole["shape"], whole["offset"]) == ("::2,1", [2], None)
        assert whole["payload"] == [1, 9]
        assert compact.next()["payload"] == np.array([1, 9], ">i2").tobytes()
        for offset in ("1,0", "2,0"):
            site.done(
                "PATCH",
                f"/array/full/{path}?offset={offset}&shape=1,4&extend=False",
                data=np.full(4, 7, ">i2").tobytes(),
                headers={"Content-Type": OCTETS},
            )
        # The first patch lies between the requested rows.
        patch = readable.next()
        assert (patch["sequence"], patch["offset"], patch["payload"]) == (3, [1], [7])


def test_subscribers_of_one_stream_receive_each_update_in_their_own_form(served: Site) -> None:
    path = served.array()
    forms = {
        "envelope_format=msgpack": lambda row: np.array(row).tobytes(),
        "envelope_format=msgpack&slice=0:2": lambda row: np.array(row[:2]).tobytes(),
        "envelope_format=msgpack&slice=2": lambda row: np.array(row[2]).tobytes(),
        "envelope_format=json": lambda row: row,
    }
    with ExitStack() as stack:
        sockets = [
            (stack.enter_context(served.socket(f"/{path}?{form}")), expected)
            for form, expected in [*forms.items(), *forms.items()]
        ]
        for live, _ in sockets:
            assert live.next()["type"] == "array-schema"
        for number in range(5):
            served.write(path, [number, number + 1, number + 2], "?persist=False")
        for live, expected in sockets:
            for number in range(5):
                update = live.next()
                payload = expected([number, number + 1, number + 2])
                assert (update["sequence"], update["payload"]) == (number + 1, payload)


def test_columns_of_a_table_are_streamed(site: Site) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.5]})
    path = site.table(table)
    with site.socket(f"/{path}?columns=c&columns=a") as socket:
        socket.next()
        headers = {"Content-Type": ARROW}
        body = arrow_file(table)
        site.done("PUT", f"/table/partition/{path}?partition=0", data=body, headers=headers)
        update = socket.next()
        assert update["columns"] == ["c", "a"]
        assert update["payload"] == {"c": [0.5, 1.5], "a": [1, 2]}


def test_a_slice_that_does_not_fit_is_rejected(site: Site) -> None:
    path = site.array()
    for query in ("slice=1,2", "slice=-1", "columns=a", "policy=newest", "max_rate=0"):
        response = site.rejection(f"/{path}?{query}")
        assert response.status_code == 403
        assert json.loads(response.body)["detail"].startswith(query.partition("=")[0])
    with site.socket(f"/{path}?slice=1,2", key=None) as socket:
        socket.connection.send('{"type": "auth", "api_key": "secret"}')
        assert socket.closing()[0] == 4000
