"""Run operations in the server process, on systems other than Linux."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from .confinement import Confinement
from .errors import OperationFailed
from .messages import Content
from .pool import Call
from .reader import Operation, ReaderRequest, SessionCache


class Unconfined:
    """Runs one operation at a time, like a confined process, but without its protection."""

    def __init__(self, modules: Sequence[str], arguments: Mapping[str, Any]) -> None:
        self._operations: dict[str, Operation] = {}
        for name in modules:
            module = import_module(name)
            module.prepare(arguments)
            self._operations.update(module.OPERATIONS)
        self._sessions = SessionCache()
        self._lock = threading.Lock()

    def call(self, call: Call, confinement: Confinement, seconds: float) -> Content:
        """Run an operation; return its result and buffers. Raises OperationFailed."""
        buffers = [memoryview(buffer) for buffer in call.buffers]
        request = ReaderRequest(call.arguments, buffers, call.session, self._sessions)
        try:
            with self._lock:
                reply = self._operations[call.operation](request)
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            raise OperationFailed(kinds, str(error), getattr(error, "retry_after", None)) from error
        return reply.value, [memoryview(bytearray(buffer)) for buffer in reply.buffers]

    def end_session(self, name: str) -> None:
        """Close a session."""
        with self._lock:
            self._sessions.end([name])

    def close(self) -> None:
        """Do nothing: there is no process."""
