"""The page of one node, assembled from sections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from core.text import format_size, format_time
from tiled_client.wire.errors import WireError

from ..lookup.embedded import EmbeddedNode, group_of
from ..models import DataSource, Node
from .contents import contents_section
from .details import (
    DetailTable,
    embedded_details,
    node_details,
    source_details,
    structure_details,
)
from .downloads import downloads
from .panels import Panel, get_panels
from .previews import build_preview
from .readable_json import readable_json
from .sections import Section
from .text import format_specs
from .tree import (
    breadcrumbs,
    embedded_breadcrumbs,
    is_listed,
    listing_address,
    live_address,
    live_page_address,
)

MAX_LISTED_ASSETS = 20
MAX_LISTED_REVISIONS = 20


@dataclass(frozen=True, slots=True)
class PastRevision:
    """Metadata and specs that were current until `time`."""

    number: int
    time: str
    specs: str
    metadata: SafeString


def node_page(node: Node, frame: str) -> dict[str, Any]:
    """Return the template context of the page; `frame` is the requested frame number, if any."""
    return {
        "title": node.key or "/",
        "subtitle": None,
        "breadcrumbs": breadcrumbs(node.segments[:-1]) if node.path else [],
        "listing": listing_address(node.path) if is_listed(node) else "",
        "live_page": live_page_address(node.path),
        "live_address": live_address(node, frame),
        "downloads": downloads(node),
        "node_section": Section("Node", node_details(node)),
        "contents": _contents(node),
        "sections": [_source_section(node.source)] if node.source is not None else [],
        "metadata": readable_json(node.metadata) if node.metadata else "",
        "revisions": _revisions(node),
        "revisions_left": max(node.revisions.count() - MAX_LISTED_REVISIONS, 0),
        **live_parts(node, frame),
    }


def live_parts(node: Node, frame: str) -> dict[str, Any]:
    """Return the parts of the page that are refreshed while it is open."""
    structure = [_structure_section(node)] if node.structure_family != "container" else []
    panels = get_panels(node)
    return {
        "preview": build_preview(node, _frame_number(frame)),
        "live_sections": structure + [_panel_section(panel) for panel in panels],
        "wide_sections": [
            Section(wide.title, table=wide.table, note=wide.note)
            for panel in panels
            if (wide := panel.content.wide) is not None
        ],
    }


def embedded_page(node: EmbeddedNode, frame: str) -> dict[str, Any]:
    """Return the template context of the page of a node inside a registered file."""
    return {
        "title": node.key,
        "subtitle": None,
        "breadcrumbs": embedded_breadcrumbs(node.host, node.keys[:-1]),
        "embedded_path": node.path,
        "live_page": live_page_address(node.path),
        "downloads": downloads(node),
        "node_section": Section("Node in a file", embedded_details(node)),
        "contents": _contents(node),
        "sections": [_structure_section(node)] if node.structure else [],
        "metadata": readable_json(node.metadata) if node.metadata else "",
        "preview": build_preview(node, _frame_number(frame)),
    }


def _frame_number(frame: str) -> int | None:
    # Longer numbers are beyond the frames of any array, and int() refuses very long ones.
    return int(frame) if frame.isascii() and frame.isdecimal() and len(frame) < 20 else None


def _contents(node: Node | EmbeddedNode) -> Section | None:
    group = group_of(node)
    return None if group is None else contents_section(group)


def _structure_section(node: Node | EmbeddedNode) -> Section:
    try:
        details, table = structure_details(node)
    except WireError as error:
        return Section("Structure", note=str(error))
    return Section("Structure", details, table)


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


def _panel_section(panel: Panel) -> Section:
    content = panel.content
    details = {
        label: format_time(value) if isinstance(value, datetime) else value
        for label, value in content.rows.items()
    }
    return Section(panel.title, details, note=content.note)
