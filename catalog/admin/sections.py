"""A section of the page of a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from .details import DetailTable


@dataclass(frozen=True, slots=True)
class Section:
    """Details, a small table, JSON documents by title, and a note, under one title."""

    title: str
    details: Mapping[str, object] = field(default_factory=dict)
    table: DetailTable | None = None
    documents: Mapping[str, SafeString] = field(default_factory=dict)
    note: str = ""
