"""The tree of a container as JSON: keys and metadata, without data."""

from __future__ import annotations

from collections.abc import Iterator

from ..services.nodes.subtrees import Subtree
from .exports import Export
from .json_pieces import json_of


def container_json(export: Export[Subtree]) -> Iterator[bytes]:
    """Yield a JSON object of `contents` (by key, nested) and `metadata`; tables list columns."""
    around: list[Subtree] = []
    begun = [False]
    for depth, node in export.data.walk():
        while len(around) > depth:
            yield _end(around.pop())
            begun.pop()
        if depth:
            yield (b"," if begun[-1] else b"") + json_of(node.key) + b":"
        yield b'{"contents":{' + b",".join(map(_column, node.columns))
        begun[-1] = True
        begun.append(bool(node.columns))
        around.append(node)
    while around:
        yield _end(around.pop())


def _end(node: Subtree) -> bytes:
    return b'},"metadata":' + json_of(node.metadata) + b"}"


def _column(name: str) -> bytes:
    return json_of(name) + b':{"contents":{},"metadata":{}}'
