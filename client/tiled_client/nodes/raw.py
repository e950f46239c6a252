"""Client object of nodes without a structure: files of any content."""

from __future__ import annotations

import io

from ..http.operations import operation
from ..wire.structure_family import StructureFamily
from .base import NodeOperations
from .node import Node


class BytesOperations(NodeOperations):
    """Files of any content, as both clients have them."""

    @operation
    async def read(self) -> bytes:
        """Fetch the content of the only file.

        Returns
        -------
        bytes
            The content of the file.

        Raises
        ------
        ValueError
            If the node has several files, or none.
        """
        files: dict[str, io.BytesIO] = {}
        found = await self._asset_files()
        if len(found) != 1:
            raise ValueError(f"{self!r} has {len(found)} files: use raw_export to download them")
        await self._download_to_memory(found[0], files)
        (content,) = files.values()
        return content.getvalue()

    def _facts(self) -> str:
        return ""


class BytesClient(BytesOperations, Node, family=StructureFamily.bytes):
    """Files of any content on a server; `raw_export` downloads them."""
