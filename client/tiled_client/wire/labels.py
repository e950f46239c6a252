"""Row labels of DataFrames with a RangeIndex, stored in the metadata of an Arrow schema.

Each partition of a table has its own labels, such as 100 to 199 in the second one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PANDAS = b"pandas"
RANGE = b'"range"'

Metadata = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class RowLabels:
    """The labels of some rows, and the name of their index."""

    labels: range
    name: Any = None

    def part(self, start: int, count: int) -> RowLabels:
        """Return the labels of `count` rows from number `start` on."""
        return RowLabels(self.labels[start : start + count], self.name)


def read_labels(metadata: Metadata | None) -> RowLabels | None:
    """Return the labels in the metadata of a schema; None if they are in columns or missing."""
    text = (metadata or {}).get(PANDAS, b"")
    # The metadata of many columns are long: they are parsed only if they may have a range.
    document = _document(text) if RANGE in text else {}
    match document.get("index_columns"):
        case [{"kind": "range", "start": int(start), "stop": int(stop), "step": int(step)} as one]:
            return RowLabels(range(start, stop, step), one.get("name")) if step else None
    return None


def write_labels(metadata: Metadata, labels: RowLabels) -> dict[bytes, bytes]:
    """Return the metadata of a DataFrame with these labels."""
    document = {"columns": [], "column_indexes": [], **_document(metadata.get(PANDAS, b""))}
    found = labels.labels
    index = {"start": found.start, "stop": found.stop, "step": found.step}
    document["index_columns"] = [{"kind": "range", "name": labels.name, **index}]
    return {**metadata, PANDAS: json.dumps(document).encode()}


def join_labels(parts: Iterable[RowLabels | None]) -> RowLabels | None:
    """Return the labels of consecutive parts; None unless they form one range."""
    whole: RowLabels | None = None
    for part in parts:
        if part is None:
            return None
        if not part.labels:
            continue
        whole = part if whole is None else _join(whole, part)
        if whole is None:
            return None
    return whole


def _join(first: RowLabels, second: RowLabels) -> RowLabels | None:
    one, other = first.labels, second.labels
    # A single label has no step: use the distance to the next label.
    step = one.step if len(one) > 1 else other.start - one.start
    follows = first.name == second.name and step and other.start == one[-1] + step
    if not follows or (len(other) > 1 and other.step != step):
        return None
    return RowLabels(range(one.start, other[-1] + (1 if step > 0 else -1), step), first.name)


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
