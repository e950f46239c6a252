"""Answers to a confined process: ranges of the objects of one call, and nothing else.

The process sends URIs as text. A damaged file may have taken it over, so that each URI is parsed
and checked here: it must be one of the objects of the call, or lie below one, and may not lie in a
prefix that the site keeps private.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..confined.messages import Buffer, Content
from ..errors import OutsideReadable, StorageError, StorageUnavailable, Unreadable
from .access import Access, NoAccess
from .paths import ObjectPath, parse_path
from .ranges import (
    Listed,
    ObjectStatus,
    Range,
    RangeResult,
    decode_error,
    decode_part,
    decode_ranges,
    encode_part,
    encode_ranges,
    encode_status,
)

logger = logging.getLogger(__name__)

FETCH, LIST = "fetch", "list"
MAX_LISTED = 100_000

Ask = Callable[[Any], Content]
"""Sends the server process a question; returns its answer."""


class Broker:
    """Answers the questions of one call that reads `paths`."""

    def __init__(
        self, access: Access, paths: Iterable[Path], is_readable: Callable[[Path], bool]
    ) -> None:
        self._access = access
        self._paths = [path for path in paths if isinstance(path, ObjectPath)]
        self._is_readable = is_readable
        self.failure: StorageUnavailable | None = None
        """Why the object storage could not be reached, if it could not."""

    def answer(self, question: Any) -> tuple[Any, list[Buffer]]:
        """Return the answer to a question, and its buffers; an error is an answer, too."""
        try:
            return self._answer(question)
        except StorageError as error:
            self._note([error] if isinstance(error, StorageUnavailable) else [])
            return ["error", encode_part(error)], []
        except Exception:
            logger.exception("Objects could not be read for a confined process")
            text = "The server failed to read from the object storage; see its log."
            return ["error", encode_part(Unreadable(text))], []

    def _answer(self, question: Any) -> tuple[Any, list[Buffer]]:
        match question:
            case ["fetch", ranges]:
                wanted = decode_ranges(ranges)
                for one in wanted:
                    self._check(one.uri)
                parts = self._access.fetch(wanted)
                self._note([one for one in parts if isinstance(one, StorageUnavailable)])
                data: list[Buffer] = [
                    one.data if isinstance(one, RangeResult) else b"" for one in parts
                ]
                return ["ok", [encode_part(one) for one in parts]], data
            case ["list", str(uri)]:
                self._check(uri)
                names = self._access.list_names(uri)[: MAX_LISTED + 1]
                if len(names) > MAX_LISTED:
                    raise Unreadable(f"{uri} has more than {MAX_LISTED} entries.")
                found = [
                    [one.name, None if one.status is None else encode_status(one.status)]
                    for one in names
                ]
                return ["ok", found], []
        raise Unreadable("The process that reads the object sent a malformed request.")

    def _note(self, failures: list[StorageUnavailable]) -> None:
        self.failure = failures[0] if failures else self.failure

    def _check(self, uri: str) -> None:
        path = parse_path(uri)
        inside = isinstance(path, ObjectPath) and any(map(path.is_relative_to, self._paths))
        if not inside or not self._is_readable(path):
            raise OutsideReadable(f"{uri!r:.200} does not belong to the data that are read.")


class BrokeredAccess(NoAccess):
    """The access of a confined process: asks the server process."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def fetch(self, ranges: Sequence[Range]) -> list[RangeResult | StorageError]:
        """Return the results of some ranges. Raises StorageError."""
        (what, found), buffers = self._ask([FETCH, encode_ranges(ranges)])
        if what == "error":
            raise decode_error(found)
        return [decode_part(one, data) for one, data in zip(found, buffers, strict=True)]

    def list_names(self, uri: str) -> list[Listed]:
        """Return the names directly below a prefix. Raises StorageError."""
        (what, found), _ = self._ask([LIST, uri])
        if what == "error":
            raise decode_error(found)
        return [
            Listed(name, None if status is None else ObjectStatus(*status))
            for name, status in found
        ]
