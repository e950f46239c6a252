"""The page of one node, assembled from sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from core.text import format_size, format_time
from tiled_client.wire.errors import WireError

from ..lookup.embedded import Group, UnreadableEntry, group_of
from ..models import DataSource, Node
from ..storage.errors import StorageError
from .details import DetailRows, DetailTable, node_details, source_details, structure_details
from .panels import PanelRows, get_panels
from .previews import build_preview
from .readable_json import readable_json
from .text import format_specs
from .tree import breadcrumbs, listing_address

MAX_LISTED_ASSETS = 20
MAX_LISTED_ENTRIES = 20
MAX_LISTED_REVISIONS = 20


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page: details, a small table, JSON documents by title, and a note."""

    title: str
    details: Mapping[str, object] = field(default_factory=dict)
    table: DetailTable | None = None
    documents: Mapping[str, SafeString] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class PastRevision:
    """Metadata and specs that were current until `time`."""

    number: int
    time: str
    specs: str
    metadata: SafeString


def node_page(node: Node, frame: str) -> dict[str, Any]:
    """Return the template context of the page; `frame` is the requested frame number, if any."""
    path = breadcrumbs(node.segments[:-1])
    return {
        "title": node.key or "/",
        "subtitle": None,
        "breadcrumbs": path if node.path else [],
        "is_container": node.structure_family == "container",
        "listing": listing_address(node.path),
        "preview": build_preview(node, int(frame) if frame.isdecimal() else None),
        "sections": _sections(node),
        "metadata": readable_json(node.metadata),
        "revisions": _revisions(node),
        "revisions_left": max(node.revisions.count() - MAX_LISTED_REVISIONS, 0),
    }


def _sections(node: Node) -> list[Section]:
    sections = [Section("Node", node_details(node))]
    if node.structure_family != "container":
        sections.append(_structure_section(node))
    sections += [Section(p.title, _panel_details(p.rows), note=p.problem) for p in get_panels(node)]
    group = group_of(node)
    if group is not None:
        sections.append(_contents_section(group))
    if node.source is not None:
        sections.append(_source_section(node.source))
    return sections


def _structure_section(node: Node) -> Section:
    try:
        details, table = structure_details(node)
    except WireError as error:
        return Section("Structure", note=str(error))
    return Section("Structure", details, table)


def _contents_section(group: Group) -> Section:
    """Return the contents of a file, up to a maximum, with the problems of unreadable entries."""
    try:
        with group.opened() as tree:
            names = tree.names(())
            found = [group.child(tree, name) for name in names[:MAX_LISTED_ENTRIES]]
    except StorageError as error:
        return Section("Contents of the file", note=str(error))
    rows = [
        [one.key, str(one.problem) if isinstance(one, UnreadableEntry) else one.family.value]
        for one in found
    ]
    left = len(names) - len(rows)
    note = f"{left:,} more are not listed." if left else ""
    return Section(
        "Contents of the file", table=DetailTable(["Name", "Family, or problem"], rows), note=note
    )


def _source_section(source: DataSource) -> Section:
    assets = source.asset_links.select_related("asset").order_by("num", "id")
    rows = [
        [
            link.asset.data_uri,
            link.parameter or "",
            "" if link.num is None else str(link.num),
            "" if link.asset.size is None else format_size(link.asset.size),
        ]
        for link in assets[:MAX_LISTED_ASSETS]
    ]
    left = assets.count() - len(rows)
    return Section(
        "Data source",
        source_details(source),
        DetailTable(["Asset", "Parameter", "Number", "Size"], rows) if rows else None,
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
            format_time(revision.time_updated),
            format_specs(revision.specs),
            readable_json(revision.metadata),
        )
        for revision in node.revisions.order_by("-number")[:MAX_LISTED_REVISIONS]
    ]


def _panel_details(rows: PanelRows) -> DetailRows:
    return {
        label: format_time(value) if isinstance(value, datetime) else value
        for label, value in rows.items()
    }
