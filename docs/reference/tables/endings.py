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
from streaming.sockets.connections.authorization import REQUIRED_SCOPES, STREAMABLE_FAMILIES
from streaming.sockets.connections.registry import (
    ACCOUNT_DISABLED,
    ADDRESS_LIMIT,
    CONNECTION_LIMIT,
    KEY_EXPIRED,
    KEY_LIMIT,
    KEY_REVOKED,
    PENDING_LIMIT,
    SESSION_REVOKED,
    TOKEN_EXPIRED,
)
from streaming.sockets.consumers.base import AUTH_TIMEOUT_SECONDS
from streaming.sockets.consumers.handshake import (
    BadFirstMessage,
    Handshake,
    first_message_credentials,
)
from streaming.sockets.messages.error_mapping import DATABASE_UNAVAILABLE
from streaming.sockets.multiplex.session import UNREAD_REPLIES
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
    patience = f"No auth message within {AUTH_TIMEOUT_SECONDS:.0f} seconds"
    rows += [
        _ending(BadFirstMessage.close_code, patience, "no first message came"),
        _ending(errors.Unauthorized.close_code, "Authentication failed", "a wrong key in it"),
        _ending(
            errors.TooMany.close_code,
            KEY_LIMIT,
            "a right key, but with `streaming_cache.connections_per_key` subscriptions",
        ),
        _ending(
            errors.TooMany.close_code,
            PENDING_LIMIT,
            "no key yet, and the oldest of "
            "`streaming_cache.max_unauthenticated_connections` without one",
        ),
        _ending(errors.NotFound.close_code, "No such entry: ...", "a right key, but no such node"),
        _ending(
            errors.Unavailable.close_code,
            OUT_OF_REACH,
            "a right key, but the cache is out of reach",
        ),
        _ending(
            errors.Unavailable.close_code,
            DATABASE_UNAVAILABLE,
            "the database is out of reach or too busy, and the connection needs it now",
        ),
        _ending(errors.Unauthorized.close_code, KEY_REVOKED, "the key was revoked"),
        _ending(errors.Unauthorized.close_code, KEY_EXPIRED, "the key has expired"),
        _ending(errors.Unauthorized.close_code, TOKEN_EXPIRED, "the access token has expired"),
        _ending(
            errors.Unauthorized.close_code, SESSION_REVOKED, "the session of the token was revoked"
        ),
        _ending(
            errors.Unauthorized.close_code,
            ACCOUNT_DISABLED,
            "the account of the user or service was disabled",
        ),
        _ending(
            errors.BadRequest.close_code,
            UNREAD_REPLIES,
            "on a connection for many nodes, the client sends commands and reads no replies",
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
        "a key without the scopes for data and metadata": lambda: require(
            ANONYMOUS, *REQUIRED_SCOPES
        ),
        "`streaming_cache.max_connections` are open": _raise(errors.TooMany(CONNECTION_LIMIT)),
        "this key has `streaming_cache.connections_per_key`": _raise(errors.TooMany(KEY_LIMIT)),
        "no key, and this address has `streaming_cache.connections_per_address`": _raise(
            errors.TooMany(ADDRESS_LIMIT)
        ),
        "no key, and other workers have all "
        "`streaming_cache.max_unauthenticated_connections`": _raise(errors.TooMany(PENDING_LIMIT)),
        "no such node": _raise(errors.NotFound(f"No such entry: {['a', 'b']}")),
        "a node of a family without a stream": lambda: of_family(
            Node(path="a/b", structure_family="bytes"), *STREAMABLE_FAMILIES
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
