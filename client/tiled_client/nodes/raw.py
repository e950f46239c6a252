"""Client object of nodes without a structure: files of any content."""

from __future__ import annotations

import io

from ..wire.structure_family import StructureFamily
from .base import Node


class BytesClient(Node, family=StructureFamily.bytes):
    """Files of any content on a server; `raw_export` downloads them."""

    def read(self) -> bytes:
        """Fetch the content of the only file.

        Raises
        ------
        ValueError
            If the node has several files, or none.
        """
        files: dict[str, io.BytesIO] = {}
        manifest = self.asset_manifest()
        names = [name for found in manifest.values() for name in (found or [""])]
        if len(names) != 1:
            raise ValueError(f"{self!r} has {len(names)} files: use raw_export to download them")
        self.raw_export(files)
        (content,) = files.values()
        return content.getvalue()

    def __repr__(self) -> str:
        return f"<BytesClient {'/' + '/'.join(self._path)}>"
