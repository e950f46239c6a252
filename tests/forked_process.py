"""Run a function in a child process, so that a crash fails a test and does not end the run."""

from __future__ import annotations

import faulthandler
import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class ChildFailed(AssertionError):
    """The child raised, crashed, or took too long."""


def forked(call: Callable[[], T], *, seconds: float = 30) -> T:
    """Return what `call` returns in a forked child.

    Raises ChildFailed with what the child raised, with the signal that ended it, or if it was not
    done within `seconds`.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _run(call, writer)
    os.close(writer)
    try:
        content = _read(reader, seconds)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise ChildFailed(f"The child was not done within {seconds} seconds.") from None
    finally:
        os.close(reader)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        raise ChildFailed(f"The child was ended by {signal.Signals(-status).name}.")
    if status or not content:
        raise ChildFailed(f"The child ended with exit code {status}.")
    done, result = pickle.loads(content)
    if not done:
        raise ChildFailed(result)
    return result  # type: ignore[no-any-return]


def _run(call: Callable[[], Any], writer: int) -> None:
    """Write the result of `call`, or its traceback, and exit without cleanup."""
    try:
        faulthandler.disable()  # the parent reports the signal
        try:
            result = (True, call())
        except BaseException:  # noqa: BLE001 - the parent raises it
            result = (False, traceback.format_exc())
        with os.fdopen(writer, "wb") as file:
            file.write(pickle.dumps(result))
    finally:
        os._exit(0)


def _read(reader: int, seconds: float) -> bytes:
    content = b""
    while True:
        ready, _, _ = select.select([reader], [], [], seconds)
        if not ready:
            raise TimeoutError
        piece = os.read(reader, 1 << 20)
        if not piece:
            return content
        content += piece
