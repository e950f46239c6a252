"""A format whose decoder is under the control of an attacker: it does what the parameters name."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from catalog.storage.bucket_files import access
from catalog.storage.bucket_files.ranges import Range
from catalog.storage.confined.messages import Channel
from catalog.storage.encoding import Array
from catalog.storage.errors import StorageError
from catalog.storage.external import Format, Sources
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure


def connect(address: Any) -> None:
    socket.create_connection(tuple(address), timeout=1).close()


def send_datagram(address: Any) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", tuple(address))


def thread_of_another(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def by_hdf5(path: str) -> None:
    with h5py.File(path) as file:
        assert file["x"][0] == 0, "the library read it"


def answer(message: Any) -> None:
    channel = next(found for found in gc.get_objects() if isinstance(found, Channel))
    channel.send(message)


def ask_forever(uri: str) -> None:
    while True:
        with suppress(StorageError):
            access.fetch([Range(uri, 0, 100)])


ATTEMPTS: dict[str, Callable[[Any], object]] = {
    "read": lambda path: Path(path).read_bytes(),
    "list": os.listdir,
    "write": lambda path: Path(path).write_bytes(b"x"),
    "append": lambda path: os.open(path, os.O_WRONLY | os.O_APPEND),
    "remove": os.unlink,
    "link": lambda path: os.link(path, f"{path}.link"),
    "chmod": lambda path: os.chmod(path, 0o777),
    "utime": os.utime,
    "connect": connect,
    "datagram": send_datagram,
    "unix": lambda path: socket.socket(socket.AF_UNIX).connect(path),
    "pair": lambda _: socket.socketpair(),
    "execute": lambda path: os.execv(path, [path]),
    "fork": lambda _: os._exit(0) if os.fork() == 0 else None,
    "kill": lambda pid: os.kill(pid, signal.SIGTERM),
    "trace": thread_of_another,
    "environment": lambda name: os.environ[name],
    "answer": answer,
    "abort": lambda _: os.abort(),
    "segfault": lambda _: ctypes.string_at(0),
    "exit": os._exit,
    "wait": time.sleep,
    "allocate": lambda size: np.ones(size, np.uint8),
    "hdf5": by_hdf5,
    "ask": lambda uri: access.fetch([Range(uri, 0, 100)]),
    "ask for names": access.list_names,
    "ask forever": ask_forever,
}


def read(sources: Sources, structure: ArrayStructure, items: NDSlice) -> Array:
    """Make the attempt, and return ones if it succeeds. Raises what it raises."""
    ATTEMPTS[sources.parameters["do"]](sources.parameters.get("with"))
    return np.ones(structure.shape, structure.dtype)


FORMAT = Format(("image/x-hostile",), (".hostile",), read_array=read)
