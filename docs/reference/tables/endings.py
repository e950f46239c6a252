"""How a stream is refused, and how it ends: found out by asking the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from access.authentication.credentials import authenticate_key
from access.principals import ANONYMOUS, require
from catalog.lookup.nodes import of_family
from catalog.models import Node
from core import errors
from streaming.protocol.endings import CLOSE_CODES, GONE_CODE, StreamEnd
from streaming.reading.reader import current_reader
from streaming.sockets.connections.authorization import NEEDED, STREAMABLE
from streaming.sockets.connections.registry import (
    ALL_OF_ADDRESS_TAKEN,
    ALL_OF_KEY_TAKEN,
    ALL_TAKEN,
    BARRED,
    EXPIRED,
    LOGGED_OUT,
    REVOKED,
    TOKEN_EXPIRED,
    TOO_MANY_WAIT,
)
from streaming.sockets.consumers.base import FIRST_MESSAGE_SECONDS
from streaming.sockets.consumers.handshake import (
    BadFirstMessage,
    Handshake,
    first_message_credentials,
)
from streaming.sockets.messages.error_codes import DATABASE_AWAY
from streaming.sockets.multiplex.session import UNREAD
from tiled_client.stream.protocol.close_codes import error_for_close, is_final

from .markdown import code, table

WHEN = {
    StreamEnd.CLOSED: "the producer closed the stream, and this subscriber has received all of it",
    StreamEnd.DELETED: "the node was deleted",
    StreamEnd.LOST: "the streaming cache was out of reach for longer than "
    "`streaming_cache.outage_tolerance`",
}
OUT_OF_REACH = "The streaming cache cannot be reached. Try again soon."
FIRST_MESSAGES = {
    "the first message is not JSON": "hello",
    "the first message is JSON of another kind": "{}",
    "the first message has no key": '{"type": "auth"}',
}


def refusals() -> Iterator[str]:
    """A row for each handshake that is refused."""
    rows = [[when, *_refused(attempt)] for when, attempt in _attempts().items()]
    yield from table(["handshake", "status", "`detail`"], rows)


def close_codes() -> Iterator[str]:
    """A row for each way in which an accepted subscription ends, and what our client does."""
    rows = [_ending(CLOSE_CODES[ending], ending.value, when) for ending, when in WHEN.items()]
    rows.insert(
        2, _ending(GONE_CODE, StreamEnd.DELETED.value, "the same, with the feature `child-deleted`")
    )
    rows += [_ending(*_closed(text), when) for when, text in FIRST_MESSAGES.items()]
    patience = f"No auth message within {FIRST_MESSAGE_SECONDS:.0f} seconds"
    rows += [
        _ending(BadFirstMessage.close_code, patience, "no first message came"),
        _ending(errors.Unauthorized.close_code, "Authentication failed", "a wrong key in it"),
        _ending(
            errors.TooMany.close_code,
            ALL_OF_KEY_TAKEN,
            "a right key, but with `streaming_cache.connections_per_key` subscriptions",
        ),
        _ending(
            errors.TooMany.close_code,
            TOO_MANY_WAIT,
            "no key yet, and the oldest of `streaming_cache.connections_waiting` without one",
        ),
        _ending(errors.NotFound.close_code, "No such entry: ...", "a right key, but no such node"),
        _ending(
            errors.Unavailable.close_code,
            OUT_OF_REACH,
            "a right key, but the cache is out of reach",
        ),
        _ending(
            errors.Unavailable.close_code,
            DATABASE_AWAY,
            "the database is out of reach or too busy, and the connection needs it now",
        ),
        _ending(errors.Unauthorized.close_code, REVOKED, "the key was revoked"),
        _ending(errors.Unauthorized.close_code, EXPIRED, "the key has expired"),
        _ending(errors.Unauthorized.close_code, TOKEN_EXPIRED, "the access token has expired"),
        _ending(errors.Unauthorized.close_code, LOGGED_OUT, "the session of the token was revoked"),
        _ending(errors.Unauthorized.close_code, BARRED, "the user or service was barred"),
        _ending(
            errors.BadRequest.close_code,
            UNREAD,
            "on a connection for many nodes, the client asks and reads no answers",
        ),
        _ending(1009, "", "a message from the client is longer than 8 KiB"),
        _ending(1011, "Internal error", "something broke; the server's log says what"),
        _ending(1012, "", "the server is being stopped"),
    ]
    yield from table(["code", "reason", "when", "our client"], rows)


def _ending(code_: int, reason: str, when: str) -> list[str]:
    error = error_for_close(code_, reason)
    if error is None:
        then = "is done: `closed` is True"
    elif is_final(error):
        then = f"is done: `{type(error).__name__}`"
    else:
        then = "connects again and resumes"
    return [str(code_), code(reason) if reason else "", when, then]


def _closed(text: str) -> tuple[int, str]:
    try:
        first_message_credentials(text)
    except errors.ServiceError as error:
        return error.close_code, error.detail
    raise AssertionError(f"{text} was not refused.")


def _attempts() -> Mapping[str, Callable[[], object]]:
    def read(query: str = "", *headers: tuple[str, str]) -> Callable[[], object]:
        return lambda: Handshake.read(_scope(query, *headers))

    return {
        "`start` is not a whole number": read("start=-1"),
        "`envelope_format` is not known": read("envelope_format=xml"),
        "an `Authorization` header of another form": read("", ("authorization", "Bearer abc")),
        "an `access_token` that is none": read("access_token=abc"),
        "a wrong key, on a public server too": lambda: authenticate_key("wrong"),
        "a key without the scopes for data and metadata": lambda: require(ANONYMOUS, *NEEDED),
        "`streaming_cache.connections` are open": _raise(errors.TooMany(ALL_TAKEN)),
        "this key has `streaming_cache.connections_per_key`": _raise(
            errors.TooMany(ALL_OF_KEY_TAKEN)
        ),
        "no key, and this address has `streaming_cache.connections_per_address`": _raise(
            errors.TooMany(ALL_OF_ADDRESS_TAKEN)
        ),
        "no key, and other workers have all `streaming_cache.connections_waiting`": _raise(
            errors.TooMany(TOO_MANY_WAIT)
        ),
        "no such node": _raise(errors.NotFound(f"No such entry: {['a', 'b']}")),
        "a node of a family without a stream": lambda: of_family(
            Node(path="a/b", structure_family="bytes"), *STREAMABLE
        ),
        "no streaming cache is configured": current_reader,
        "the streaming cache is out of reach": _raise(errors.Unavailable(OUT_OF_REACH)),
    }


def _refused(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except errors.ServiceError as error:
        return [str(error.status), code(error.detail)]
    raise AssertionError("That was not refused.")


def _raise(error: errors.ServiceError) -> Callable[[], object]:
    def refuse() -> None:
        raise error

    return refuse


def _scope(query: str, *headers: tuple[str, str]) -> dict[str, Any]:
    return {
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "url_route": {"kwargs": {"path": ""}},
    }
