"""Nodes of nothing but bytes."""

from __future__ import annotations

import io

from ..wire.structure_family import StructureFamily
from .base import Node


class BytesClient(Node, family=StructureFamily.bytes):
    """Files on a server, whatever is in them; `raw_export` fetches them."""

    def read(self) -> bytes:
        """The bytes of the only file. Raises ValueError where there are several."""
        files: dict[str, io.BytesIO] = {}
        manifest = self.asset_manifest()
        names = [name for found in manifest.values() for name in (found or [""])]
        if len(names) != 1:
            raise ValueError(f"{self!r} has {len(names)} files; raw_export fetches them all")
        self.raw_export(files)
        (content,) = files.values()
        return content.getvalue()

    def __repr__(self) -> str:
        return f"<BytesClient {'/' + '/'.join(self._path)}>"
