"""The page of one node, put together from what each part has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from core.text import moment, size_text
from tiled_client.wire.errors import WireError

from ..lookup.embedded import Broken, Group, group_of
from ..models import DataSource, Node
from ..storage.errors import StorageError
from .details import Facts, Grid, node_facts, source_facts, structure_facts
from .panels import Rows, panels_of
from .previews import look_at
from .readable_json import readable_json
from .text import specs_text
from .tree import crumbs, listing_address

MOST_ASSETS = 20
MOST_ENTRIES = 20
MOST_REVISIONS = 20


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: facts, a small table, JSON by its titles, and a sentence if need be."""

    title: str
    facts: Mapping[str, object] = field(default_factory=dict)
    grid: Grid | None = None
    documents: Mapping[str, SafeString] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class PastRevision:
    """Metadata and specs as they were until `time`."""

    number: int
    time: str
    specs: str
    metadata: SafeString


def node_page(node: Node, frame: str) -> dict[str, Any]:
    """What the template of the page needs; `frame` is the text of the frame asked for, if any."""
    way = crumbs(node.segments[:-1])
    return {
        "title": node.key or "/",
        "subtitle": None,
        "crumbs": way if node.path else [],
        "is_container": node.structure_family == "container",
        "listing": listing_address(node.path),
        "look": look_at(node, int(frame) if frame.isdecimal() else None),
        "sections": _sections(node),
        "metadata": readable_json(node.metadata),
        "revisions": _revisions(node),
        "revisions_left": max(node.revisions.count() - MOST_REVISIONS, 0),
    }


def _sections(node: Node) -> list[Section]:
    sections = [Section("Node", node_facts(node))]
    if node.structure_family != "container":
        sections.append(_structure_section(node))
    sections += [Section(p.title, _shown(p.rows), note=p.problem) for p in panels_of(node)]
    group = group_of(node)
    if group is not None:
        sections.append(_contents_section(group))
    if node.source is not None:
        sections.append(_source_section(node.source))
    return sections


def _structure_section(node: Node) -> Section:
    try:
        facts, grid = structure_facts(node)
    except WireError as error:
        return Section("Structure", note=str(error))
    return Section("Structure", facts, grid)


def _contents_section(group: Group) -> Section:
    """What is in a file, as far as it fits, with what is wrong with what cannot be described."""
    try:
        with group.opened() as tree:
            names = tree.names(())
            found = [group.child(tree, name) for name in names[:MOST_ENTRIES]]
    except StorageError as error:
        return Section("In the file", note=str(error))
    rows = [
        [one.key, str(one.problem) if isinstance(one, Broken) else one.family.value]
        for one in found
    ]
    left = len(names) - len(rows)
    note = f"{left:,} more are not listed." if left else ""
    return Section("In the file", grid=Grid(["Name", "Kind, or problem"], rows), note=note)


def _source_section(source: DataSource) -> Section:
    assets = source.asset_links.select_related("asset").order_by("num", "id")
    rows = [
        [
            link.asset.data_uri,
            link.parameter or "",
            "" if link.num is None else str(link.num),
            "" if link.asset.size is None else size_text(link.asset.size),
        ]
        for link in assets[:MOST_ASSETS]
    ]
    left = assets.count() - len(rows)
    return Section(
        "Data source",
        source_facts(source),
        Grid(["Asset", "Parameter", "Number", "Size"], rows) if rows else None,
        {
            name: readable_json(value)
            for name, value in (
                ("Parameters", source.parameters),
                ("Properties", source.properties),
            )
            if value
        },
        note=f"{left:,} more assets are not listed." if left else "",
    )


def _revisions(node: Node) -> list[PastRevision]:
    return [
        PastRevision(
            revision.number,
            moment(revision.time_updated),
            specs_text(revision.specs),
            readable_json(revision.metadata),
        )
        for revision in node.revisions.order_by("-number")[:MOST_REVISIONS]
    ]


def _shown(rows: Rows) -> Facts:
    return {
        label: moment(value) if isinstance(value, datetime) else value
        for label, value in rows.items()
    }
