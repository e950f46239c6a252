"""The metrics of all processes in the text format of Prometheus.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .families import Family, Histogram, Labels, SiteGauge, families, installed
from .memory import STATE_PREFIX, MetricMemory, MetricRow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Cells = list[float]


def exposition() -> bytes:
    """Return all metrics, added up over all processes of this server."""
    found = _collect(installed())
    lines: list[str] = []
    for family in families():
        by_labels = found.get(family.name, {})
        for labels in family.known:
            by_labels.setdefault(labels, [0.0] * family.width)
        lines.append(f"# HELP {family.name} {_escape_help(family.text)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for labels in sorted(by_labels):
            lines.extend(_samples(family, labels, by_labels[labels]))
    return ("\n".join(lines) + "\n").encode()


def _collect(memory: MetricMemory) -> dict[str, dict[Labels, Cells]]:
    """Return the cells of all series, by family and labels."""
    declared = {family.name: family for family in families()}
    found: dict[str, dict[Labels, Cells]] = {}
    for row in range(memory.rows):
        for key, cells in MetricRow(memory, row).read():
            name, *labels = json.loads(key.removeprefix(STATE_PREFIX))
            family = declared.get(name)
            # A worker of another version may count what this one does not know.
            if family is None or family.width != len(cells):
                continue
            by_labels = found.setdefault(name, {})
            before = by_labels.get(tuple(labels))
            by_labels[tuple(labels)] = _merged(family, before, [*cells])
    return found


def _merged(family: Family[Any], before: Cells | None, cells: Cells) -> Cells:
    if before is None:
        return cells
    if isinstance(family, SiteGauge):
        return max(before, cells)
    return [one + other for one, other in zip(before, cells, strict=True)]


def _samples(family: Family[Any], labels: Labels, cells: Cells) -> Iterator[str]:
    pairs = list(zip(family.label_names, labels, strict=False))
    if isinstance(family, Histogram):
        yield from _buckets(family, pairs, cells)
    elif not isinstance(family, SiteGauge):
        yield _line(family.name, pairs, cells[0])
    elif cells[0]:
        yield _line(family.name, pairs, cells[1])


def _buckets(family: Histogram, pairs: list[tuple[str, str]], cells: Cells) -> Iterator[str]:
    count = 0.0
    bounds = [*map(_number, family.bounds), "+Inf"]
    for bound, inside in zip(bounds, cells[1:], strict=True):
        count += inside
        yield _line(f"{family.name}_bucket", [*pairs, ("le", bound)], count)
    yield _line(f"{family.name}_sum", pairs, cells[0])
    yield _line(f"{family.name}_count", pairs, count)


def _line(name: str, pairs: Sequence[tuple[str, str]], value: float) -> str:
    labels = ",".join(f'{label}="{_escape(text)}"' for label, text in pairs)
    return f"{name}{{{labels}}} {_number(value)}" if labels else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
