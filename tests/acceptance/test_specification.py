"""The page on streaming, run as it says: a process that writes, and one that subscribes.

Each test runs with both servers, and with both clients in either role: this project's, and the
unmodified one of Tiled 0.2.20. What the latter does otherwise than the page says: a full write has
no offset, arrays have no `new_data` to subscribe to, and subscriptions no `closed`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tifffile

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import TableStructure

from .client_processes import OURS, TILED, ClientProcesses
from .script_processes import Process


@dataclass
class Page:
    """Two processes at work on one server, on a node of their own."""

    uri: str
    key: str
    writer: Process
    subscriber: Process
    at_beginning: str
    """How the subscriber's client prints the offset of a full write."""
    closed: str
    """How it says that the producer has closed the stream."""
    shown_path: str
    """The path in the text that it prints for a node of this key."""
    count: str
    """The number of entries in the text for a container, after its keys."""
    references: bool
    """Whether it hears of rows that it has to fetch; Tiled's client knows none."""


# With the production server all four; with the other each client in each role.
CASES = [
    ("server", OURS, OURS),
    ("server", OURS, TILED),
    ("server", TILED, OURS),
    ("server", TILED, TILED),
    ("runserver", OURS, TILED),
    ("runserver", TILED, OURS),
]


@pytest.fixture(params=CASES, ids=lambda case: "{}: {} writes, {} subscribes".format(*case))
def page(request: pytest.FixtureRequest, client_processes: ClientProcesses) -> Page:
    """A writer and a subscriber."""
    name, writing, subscribing = request.param
    site: RunningServer = request.getfixturevalue(name)
    assert site.api_key == API_KEY
    key = f"x{secrets.token_hex(4)}"
    return Page(
        uri=site.uri,
        key=key,
        writer=client_processes.process("writer", writing),
        subscriber=client_processes.process("subscriber", subscribing),
        at_beginning="(0,)" if subscribing == OURS else "None",
        closed="True" if subscribing == OURS else "as the callback said",
        shown_path=f"'/{key}' " if subscribing == OURS else "",
        count=" 0 entries" if subscribing == OURS else "",
        references=subscribing == OURS,
    )


def test_a_new_array_is_announced_and_its_data_stream_from_the_oldest_on(page: Page) -> None:
    page.subscriber.run("watch_children", page.uri)
    page.subscriber.prints("listening")
    page.writer.run("write_and_extend", page.uri, page.key)
    page.subscriber.prints(
        f"NEW: <ArrayClient {page.shown_path}shape=(3,) chunks=((3,)) dtype=int64>"
    )
    page.subscriber.say()
    page.subscriber.prints("disconnected")
    page.subscriber.say()
    page.subscriber.finishes()

    page.writer.say()
    page.writer.prints("[1 2 3 4 5 6]")
    page.subscriber.run("watch_data", page.uri, page.key, 0)
    page.subscriber.prints(f"offset: {page.at_beginning}", "[1 2 3]", "offset: (3,)", "[4 5 6]")
    page.writer.say()
    page.writer.finishes()
    page.subscriber.finishes("offset: (6,)", "[7 8 9]", f"closed: {page.closed}")


def test_a_subscriber_begins_at_the_sequence_number_it_asks_for(page: Page) -> None:
    page.writer.run("write_and_extend", page.uri, page.key)
    page.writer.say()
    page.writer.prints("[1 2 3 4 5 6]")
    page.subscriber.run("watch_sequence", page.uri, page.key, 2)
    page.subscriber.prints("2 (3,) [4, 5, 6]")
    page.writer.say()
    page.writer.finishes()
    page.subscriber.finishes("3 (3,) [7, 8, 9]", "returned")


def test_who_has_disconnected_hears_nothing_more(page: Page) -> None:
    page.subscriber.run("watch_children", page.uri)
    page.subscriber.prints("listening")
    page.subscriber.say()
    page.subscriber.prints("disconnected")
    page.writer.run("update_metadata", page.uri, page.key)
    page.writer.finishes("{'color': 'red', 'number': 5}")
    page.subscriber.say()
    page.subscriber.finishes()


def test_a_closed_stream_ends_its_subscribers_and_can_be_resumed(page: Page) -> None:
    page.writer.run("close_and_resume", page.uri, page.key)
    page.writer.prints("written")
    page.subscriber.run("watch_data", page.uri, page.key, 0)
    page.subscriber.prints(f"offset: {page.at_beginning}", "[1 2 3]")
    page.writer.say()
    page.writer.prints("resumed")
    page.subscriber.finishes(f"closed: {page.closed}")

    page.subscriber.run("watch_data", page.uri, page.key, 0)
    page.subscriber.prints(f"offset: {page.at_beginning}", "[1 2 3]")
    page.subscriber.prints(f"offset: {page.at_beginning}", "[4 5 6]")
    page.writer.say()
    page.writer.finishes()
    page.subscriber.finishes(f"offset: {page.at_beginning}", "[7 8 9]", f"closed: {page.closed}")


def test_what_is_not_persisted_is_streamed_and_not_stored(page: Page) -> None:
    page.writer.run("without_persisting", page.uri, page.key)
    page.writer.finishes("[1 2 3]", "[1 2 3]", "[1 2 3]", "[11 12 13]")
    page.subscriber.run("watch_data", page.uri, page.key, 0)
    page.subscriber.finishes(
        *(f"offset: {page.at_beginning}", "[1 2 3]"),
        *(f"offset: {page.at_beginning}", "[4 5 6]"),
        *(f"offset: {page.at_beginning}", "[7 8 9]"),
        *("offset: (0,)", "[11]"),
        *("offset: (1,)", "[12]"),
        *("offset: (2,)", "[13]"),
        *(f"offset: {page.at_beginning}", "[11 12 13]"),
        f"closed: {page.closed}",
    )


def test_an_array_may_grow_for_its_subscribers_alone(page: Page) -> None:
    page.writer.run("grow_without_persisting", page.uri, page.key)
    page.writer.finishes("(3,)", "(3,)", "[1 2 3 8 9]")
    page.subscriber.run("watch_sequence", page.uri, page.key, 0)
    page.subscriber.finishes(
        "1 (3,) [1, 2, 3]", "2 (2,) [4, 5]", "3 (2,) [6, 7]", "4 (2,) [8, 9]", "returned"
    )


def test_an_array_may_begin_empty(page: Page) -> None:
    page.writer.run("begin_empty", page.uri, page.key)
    page.writer.finishes("[0 0 0]", "[0 0 0]", "[11 12 13]")
    page.subscriber.run("watch_sequence", page.uri, page.key, 0)
    page.subscriber.finishes(
        "1 (3,) [4, 5, 6]", "2 (3,) [7, 8, 9]", "3 (3,) [11, 12, 13]", "returned"
    )


def test_an_array_may_lie_in_a_tiff_file_that_nothing_is_written_to(
    page: Page, readable: Path
) -> None:
    path = readable / f"{page.key}.tiff"
    tifffile.imwrite(path, np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    before = path.read_bytes()
    page.writer.run("register_tiff", page.uri, page.key, f"file://localhost{path}")
    image = "[[1, 2, 3], [4, 5, 6]]"
    page.writer.finishes(image, image, "refused", image)
    page.subscriber.run("watch_sequence", page.uri, page.key, 0)
    page.subscriber.finishes("1 (2, 3) [[7, 7, 7], [7, 7, 7]]", "returned")
    assert path.read_bytes() == before


def test_rows_of_a_table_stream_as_they_are_written_and_appended(page: Page) -> None:
    page.writer.run("write_table", page.uri, page.key)
    page.writer.finishes("{'a': [3, 4], 'b': ['z', 'z']}", "{'a': [1, 2, 3], 'b': ['x', 'y', 'z']}")
    page.subscriber.run("watch_table", page.uri, page.key, 0)
    page.subscriber.finishes(
        "written {'a': [1, 2], 'b': ['x', 'y']}",
        "written {'a': [3, 4], 'b': ['z', 'z']}",
        "returned",
    )
    page.subscriber.run("watch_table", page.uri, f"{page.key}growing", 0)
    page.subscriber.finishes(
        "appended {'a': [1, 2], 'b': ['x', 'y']}", "appended {'a': [3], 'b': ['z']}", "returned"
    )


def test_changes_of_a_childs_metadata_are_told(page: Page) -> None:
    page.subscriber.run("watch_children", page.uri)
    page.subscriber.prints("listening")
    page.writer.run("update_metadata", page.uri, page.key)
    page.writer.finishes("{'color': 'red', 'number': 5}")
    page.subscriber.prints(
        f"NEW: <Container {page.shown_path}{{}}{page.count}>",
        "CHANGED: {'color': 'red', 'number': 5}",
    )
    page.subscriber.say()
    page.subscriber.prints("disconnected")
    page.subscriber.say()
    page.subscriber.finishes()


def test_a_table_may_lie_in_a_csv_file_that_grows(page: Page, readable: Path) -> None:
    path = readable / f"{page.key}.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    schema = TableStructure.from_schema(pa.schema({"a": pa.int64(), "b": pa.string()}))
    page.writer.run("register_rows", page.uri, page.key, path, schema.arrow_schema)
    page.writer.prints("{'a': [1, 2], 'b': ['x', 'y']}")
    page.writer.say()
    everything = "{'a': [1, 2, 3, 4, 5], 'b': ['x', 'y', 'z', 'w', 'v']}"
    page.writer.prints(everything)
    page.subscriber.run("watch_table", page.uri, page.key, 0)
    if page.references:
        page.subscriber.prints("appended {'a': [3, 4], 'b': ['z', 'w']}", f"written {everything}")
    page.writer.say()
    page.writer.finishes()
    page.subscriber.finishes("returned")
