"""Spool of a writer: frames on disk until they are acknowledged, also for the next process.

A folder with numbered segments. A record of a segment is the length of a frame (uint32), its CRC-32
(uint32), and the frame, with its handle and sequence. A record that was cut off, because the
process was killed, ends its segment. A segment is removed when all of its frames are acknowledged.
`nodes.json` has the node of each handle, and is replaced atomically.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..wire.ingest import FrameOperation, decode_frame

RECORD = struct.Struct(">II")
SEGMENT_BYTES = 16 << 20
SUFFIX = ".frames"


class SpoolPosition(NamedTuple):
    """Place of a frame: its segment, and where the frame begins in it."""

    segment: int
    begin: int
    size: int


class SpooledFrame(NamedTuple):
    """A frame that an earlier process has left."""

    handle: int
    sequence: int
    position: SpoolPosition
    op: FrameOperation


@dataclass(slots=True)
class _Segment:
    """A file of frames: how many are not acknowledged, and its size."""

    path: Path
    pending: int = 0
    size: int = 0


class Spool:
    """The spool in one folder, for one process at a time.

    `limit` is its maximum size in bytes. With `fsync`, each frame is on the disk before `append`
    returns; without, it survives the end of the process, and not that of the machine. Raises
    OSError, and BlockingIOError if another process uses the folder.
    """

    def __init__(self, folder: Path, limit: int, *, fsync: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._limit, self._fsync = folder, limit, fsync
        self._lock = _locked(folder / "lock")
        self._segments: dict[int, _Segment] = {}
        self._file: IO[bytes] | None = None
        self.left: list[SpooledFrame] = [
            frame for path in sorted(folder.glob(f"*{SUFFIX}")) for frame in self._load(path)
        ]
        self._current = max(self._segments, default=0)
        self._remove_settled()
        known = {frame.handle for frame in self.left}
        nodes = _read_json(folder / "nodes.json")
        self.nodes: dict[int, dict[str, Any]] = {
            int(handle): node
            for handle, node in nodes.items()
            if int(handle) in known or node.get("creation")
        }

    @property
    def size(self) -> int:
        """The size of all segments in bytes."""
        return sum(segment.size for segment in self._segments.values())

    def has_room(self, size: int) -> bool:
        """Return whether a frame of about `size` bytes may be appended."""
        return not self._segments or self.size + size + RECORD.size <= self._limit

    def register(self, handle: int, node: dict[str, Any]) -> None:
        """Store which node a handle is, before its first frame."""
        self.nodes[handle] = node
        temporary = self._folder / "nodes.json.new"
        with temporary.open("w") as file:
            json.dump(self.nodes, file)
            file.flush()
            if self._fsync:
                os.fsync(file.fileno())
        temporary.replace(self._folder / "nodes.json")

    def append(self, frame: bytes) -> SpoolPosition:
        """Store a frame behind all others."""
        segment = self._segments.get(self._current)
        if self._file is None or segment is None or segment.size >= SEGMENT_BYTES:
            segment = self._begin_segment()
        assert self._file is not None
        self._file.write(RECORD.pack(len(frame), zlib.crc32(frame)) + frame)
        self._file.flush()
        if self._fsync:
            os.fsync(self._file.fileno())
        begin = segment.size + RECORD.size
        segment.size = begin + len(frame)
        segment.pending += 1
        return SpoolPosition(self._current, begin, len(frame))

    def read(self, position: SpoolPosition) -> bytes:
        """Return a frame."""
        with self._segments[position.segment].path.open("rb") as file:
            file.seek(position.begin)
            return file.read(position.size)

    def release(self, position: SpoolPosition) -> None:
        """Note that a frame need not be kept any more."""
        segment = self._segments.get(position.segment)
        if segment is None:
            return
        segment.pending -= 1
        if not segment.pending and (
            position.segment != self._current or segment.size >= SEGMENT_BYTES
        ):
            self._remove(position.segment)

    def close(self) -> None:
        """Let another process use the folder. Without pending frames, it is left empty."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._remove_settled()
        self._lock.close()

    def _begin_segment(self) -> _Segment:
        if self._file is not None:
            self._file.close()
        self._remove_settled()
        self._current += 1
        segment = _Segment(self._folder / f"{self._current:010d}{SUFFIX}")
        self._segments[self._current] = segment
        # Unbuffered: one system call for each frame.
        self._file = segment.path.open("xb", buffering=0)
        return segment

    def _load(self, path: Path) -> Iterator[SpooledFrame]:
        number, content = int(path.stem), path.read_bytes()
        segment = self._segments[number] = _Segment(path, size=len(content))
        at = 0
        while at + RECORD.size <= len(content):
            size, checksum = RECORD.unpack_from(content, at)
            begin = at + RECORD.size
            frame = content[begin : begin + size]
            if len(frame) < size or zlib.crc32(frame) != checksum:
                break
            header, _ = decode_frame(frame)
            segment.pending += 1
            position = SpoolPosition(number, begin, size)
            yield SpooledFrame(header.handle, header.sequence, position, header.op)
            at = begin + size

    def _remove_settled(self) -> None:
        for number in [n for n, segment in self._segments.items() if not segment.pending]:
            self._remove(number)

    def _remove(self, number: int) -> None:
        if number == self._current and self._file is not None:
            self._file.close()
            self._file = None
        with suppress(FileNotFoundError):
            self._segments.pop(number).path.unlink()


def _locked(path: Path) -> IO[bytes]:
    file = path.open("wb")
    with suppress(ImportError):  # there is no fcntl on Windows
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise BlockingIOError(
                f"The spool {path.parent} is used by another writer: give each its own folder."
            ) from None
    return file


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
