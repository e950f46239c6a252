"""A Zarr store that does not follow links out of the readable folders."""

from __future__ import annotations

from typing import Any

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from ..sources import Sources
from ..uris import check_kind


class ConfinedStore(LocalStore):
    """A read-only store of a folder."""

    def __init__(self, folder: Any, sources: Sources) -> None:
        super().__init__(folder, read_only=True)
        self._sources = sources

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a chunk or document. Raises OutsideReadable."""
        check_kind(self._sources.confined(self.root / key))
        return await super().get(key, prototype, byte_range)
