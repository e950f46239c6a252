"""Rows of the database about the parts of assets."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max, Sum

from ....models import AssetPart
from ....storage.errors import MissingFile
from .interface import StoredFile

# Databases limit the number of parameters of a query.
BATCH = 5000
MAX_CACHED_HEADERS = 1024


class Part(NamedTuple):
    """A part of an asset as in the database; `content` is empty for an object."""

    asset_id: int
    start: int
    size: int
    rows: int
    name: str
    skip: int
    time: datetime
    content: bytes = b""


FIELDS = ("asset_id", "start", "size", "rows", "name", "skip", "time")


def of(files: Sequence[StoredFile], *, contents: bool = True) -> dict[int, list[Part]]:
    """Return the parts of each file in order, by its asset, as of one moment.

    A file that was written at once has none.
    """
    found: dict[int, list[Part]] = defaultdict(list)
    for part in _fetch([file.asset_id for file in files], contents=contents):
        found[part.asset_id].append(part)
    return found


def _fetch(assets: Sequence[int], *, contents: bool) -> Iterable[Part]:
    names = (*FIELDS, "content") if contents else FIELDS
    for start in range(0, len(assets), BATCH):
        parts = AssetPart.objects.filter(asset__in=assets[start : start + BATCH])
        for row in parts.order_by("asset", "start").values_list(*names):
            content = bytes(row[7] or b"") if contents else b""
            yield Part._make((*row[:7], content))


def tails(node: UUID) -> list[tuple[int, datetime]]:
    """Return size, and time of the last addition, of the rows of a node that are in no object."""
    parts = AssetPart.objects.filter(
        name="", start__gt=0, asset__links__data_source__node__uuid=node
    )
    found = parts.values("asset").annotate(bytes=Sum("size"), latest=Max("time"))
    return list(found.values_list("bytes", "latest"))


def header(file: StoredFile) -> bytes:
    """Return the schema of a partition, which never changes. Raises MissingFile."""
    known = _headers.get(file.data_uri)
    if known is None:
        first = AssetPart.objects.filter(asset=file.asset_id, start=0)
        content = first.values_list("content", flat=True).first()
        if content is None:
            raise MissingFile(f"The partition {file.data_uri} does not exist.")
        known = _headers[file.data_uri] = bytes(content)
        if len(_headers) > MAX_CACHED_HEADERS:
            _headers.popitem(last=False)
    return known


# The URI has a random part: no other file will have it.
_headers: OrderedDict[str, bytes] = OrderedDict()
