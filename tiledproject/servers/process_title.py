"""Remove secrets from the command line of this process, which every user of the machine can list.

Linux shows the memory in which the arguments lie; it is overwritten there. Elsewhere they remain
visible, and secrets belong in the environment or in the configuration file.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

STAT, COMMAND_LINE = Path("/proc/self/stat"), Path("/proc/self/cmdline")
# Counted from the field after the name of the program, which may have spaces in it.
ARGUMENTS_BEGIN, ARGUMENTS_END = 48 - 3, 49 - 3


def hide_secrets(secrets: Collection[str]) -> None:
    """Overwrite each of `secrets` in the arguments of this process, as far as possible."""
    with suppress(OSError, ValueError, IndexError):
        begin, end = _arguments()
        shown = COMMAND_LINE.read_bytes()
        if len(shown) != end - begin:
            return
        for secret in filter(None, (one.encode(errors="surrogateescape") for one in secrets)):
            place = shown.find(secret)
            while place >= 0:
                ctypes.memset(begin + place, ord("x"), len(secret))
                place = shown.find(secret, place + len(secret))


def _arguments() -> tuple[int, int]:
    """Return the start and end addresses of the arguments in the memory of this process."""
    fields = STAT.read_text().rpartition(")")[2].split()
    return int(fields[ARGUMENTS_BEGIN]), int(fields[ARGUMENTS_END])
