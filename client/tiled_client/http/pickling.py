"""Pickling of objects that hold connections: one object per process for all pickles of it.

The tasks that a pool runs in one process thus share the connections of one client.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..auth import handover
from ..auth.credentials import Credentials, MissingCredentials
from ..settings import HttpOptions

_identities: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_objects: WeakValueDictionary[str, Any] = WeakValueDictionary()
# Keeps restored objects between two tasks, when nothing else refers to them.
_recently_restored: deque[Any] = deque(maxlen=16)


def reduce_shared(
    value: Any, make: Callable[..., Any], *arguments: Any
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the result of `__reduce__` of `value`, which `make(*arguments)` creates again."""
    identity = _identities.setdefault(value, uuid.uuid4().hex)
    _objects[identity] = value
    return _restore, (identity, make, *arguments)


class HandedOptions:
    """Options in a pickle: their headers, which may be secret, are in a file for this user only."""

    def __init__(self, owner: Any, options: HttpOptions) -> None:
        self._file: str | None = None
        if options.headers:
            self._file = handover.file_of(owner, {"headers": dict(options.headers)})
            options = replace(options, headers={})
        self.options = options

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._found = self._file is None
        if self._file is not None and (secret := handover.read_secret(self._file)) is not None:
            self._found = True
            self.options = replace(self.options, headers=secret["headers"])

    def take_over(self, owner: Any, credentials: Credentials) -> Credentials:
        """Return the credentials of `owner`; requests fail if the headers are not available."""
        if self._file is None:
            return credentials
        handover.adopt_file(owner, self._file)
        return credentials if self._found else MissingCredentials(self._file)


def _restore(identity: str, make: Callable[..., Any], *arguments: Any) -> Any:
    value = _objects.get(identity)
    if value is None:
        value = make(*arguments)
        _identities[value] = identity
        _objects[identity] = value
        _recently_restored.append(value)
    return value
