"""Tables of rejected handshakes and of close codes, made by calling the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from access.authentication.credentials import authenticate_key
from access.principals import ANONYMOUS, require
from catalog.lookup.nodes import of_family
from catalog.models import Node
from core import errors
from streaming.protocol.endings import CLOSE_CODES, GONE_CODE, StreamEnd
from streaming.reading.site_reader import current_reader
from streaming.sockets.connections.authorization import REQUIRED_SCOPES, STREAMABLE_FAMILIES
from streaming.sockets.connections.registry import (
    ACCOUNT_DISABLED,
    ADDRESS_LIMIT,
    CONNECTION_LIMIT,
    KEY_EXPIRED,
    KEY_LIMIT,
    KEY_REVOKED,
    LOGGED_OUT,
    PENDING_LIMIT,
    PERMISSIONS_CHANGED,
    RECONNECT,
    SESSION_EXPIRED,
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
    StreamEnd.LOST: "the streaming cache was unreachable for longer than "
    "`streaming_cache.outage_tolerance`",
}
UNREACHABLE = "The streaming cache cannot be reached. Try again soon."
FIRST_MESSAGES = {
    "the first message is not JSON": "hello",
    "the first message is JSON of another kind": "{}",
    "the first message has no key": '{"type": "auth"}',
}


def refusals() -> Iterator[str]:
    """Yield a table of the handshakes that are rejected."""
    rows = [[when, *_refused(attempt)] for when, attempt in _attempts().items()]
    yield from table(["handshake", "status", "`detail`"], rows)


def close_codes() -> Iterator[str]:
    """Yield a table of the ways an accepted subscription ends, and how our client reacts."""
    rows = [_ending(CLOSE_CODES[ending], ending.value, when) for ending, when in WHEN.items()]
    rows.insert(
        2, _ending(GONE_CODE, StreamEnd.DELETED.value, "the same, with the feature `child-deleted`")
    )
    rows += [*_auth_message_rows(), *_revocation_rows(), *_failure_rows()]
    yield from table(["code", "reason", "when", "our client"], rows)


def _auth_message_rows() -> Iterator[list[str]]:
    """Yield the ends of connections that authenticate by their first message."""
    for when, text in FIRST_MESSAGES.items():
        yield _ending(*_closed(text), when)
    timeout = f"No auth message within {AUTH_TIMEOUT_SECONDS:.0f} seconds"
    yield _ending(BadFirstMessage.close_code, timeout, "there was no first message in that time")
    unauthorized, too_many = errors.Unauthorized.close_code, errors.TooMany.close_code
    yield _ending(unauthorized, "Authentication failed", "the first message has a wrong key")
    key_limit = "a right key, but with `streaming_cache.connections_per_key` subscriptions"
    yield _ending(too_many, KEY_LIMIT, key_limit)
    pending = (
        "no key yet, and the oldest of `streaming_cache.max_unauthenticated_connections` without "
        "one"
    )
    yield _ending(too_many, PENDING_LIMIT, pending)
    missing = "a right key, but no such node"
    yield _ending(errors.NotFound.close_code, "No such entry: ...", missing)
    unreachable = "a right key, but the cache is unreachable"
    yield _ending(errors.Unavailable.close_code, UNREACHABLE, unreachable)


def _revocation_rows() -> Iterator[list[str]]:
    """Yield the ends of connections whose credentials are not valid any more."""
    reasons = {
        KEY_REVOKED: "the key was revoked",
        KEY_EXPIRED: "the key has expired",
        TOKEN_EXPIRED: "the access token has expired",
        SESSION_REVOKED: "the session of the token was revoked, or the user of the browser session "
        "has another password",
        LOGGED_OUT: "the browser was logged out",
        SESSION_EXPIRED: "the session of the browser has expired",
        ACCOUNT_DISABLED: "the account of the user or service was disabled",
    }
    for reason, when in reasons.items():
        yield _ending(errors.Unauthorized.close_code, reason, when)
    changed = "the account has lost its admin role, or has another name"
    yield _ending(RECONNECT, PERMISSIONS_CHANGED, changed)


def _failure_rows() -> Iterator[list[str]]:
    """Yield the ends of connections by failures."""
    database = "the database is unavailable or overloaded, and the connection needs it now"
    yield _ending(errors.Unavailable.close_code, DATABASE_UNAVAILABLE, database)
    unread = "on a connection for many nodes, the client sends commands and reads no replies"
    yield _ending(errors.BadRequest.close_code, UNREAD_REPLIES, unread)
    yield _ending(1009, "", "a message from the client is longer than 8 KiB")
    yield _ending(1011, "Internal error", "an unexpected error; see the log of the server")
    yield _ending(1012, "", "the server is being stopped")


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
    raise AssertionError(f"{text} was not rejected.")


def _attempts() -> Mapping[str, Callable[[], object]]:
    def read(query: str = "", *headers: tuple[str, str]) -> Callable[[], object]:
        return lambda: Handshake.read(_scope(query, *headers))

    return {
        "`start` is not a whole number": read("start=-1"),
        "`envelope_format` is not known": read("envelope_format=xml"),
        "`reduce` is invalid": read("reduce=median:4"),
        "`roi` is invalid": read("roi=5"),
        "an `Authorization` header of another form": read("", ("authorization", "Bearer abc")),
        "an invalid `access_token`": read("access_token=abc"),
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
        "the streaming cache is unreachable": _raise(errors.Unavailable(UNREACHABLE)),
    }


def _refused(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except errors.ServiceError as error:
        return [str(error.status), code(error.detail)]
    raise AssertionError("The handshake was not rejected.")


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
