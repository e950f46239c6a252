"""URLs of the admin's pages of nodes, and breadcrumbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models.functions import Length
from django.urls import NoReverseMatch, reverse

from ..lookup.nodes import split_path
from ..models import Node

PATH_VAR = "path"
FRAME_VAR = "frame"


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """One step of the path from the root: its name, and the URL of its list."""

    name: str
    address: str


def listing_address(path: str) -> str:
    """Return the URL of the list of a container's children."""
    address = reverse("admin:catalog_node_changelist")
    return f"{address}?{urlencode({PATH_VAR: path})}" if path else address


def page_address(node: Node) -> str:
    """Return the URL of a node's page."""
    return reverse("admin:catalog_node_change", args=[node.pk])


def live_address(node: Node, frame: str) -> str:
    """Return the URL of the parts of a node's page that are refreshed while it is open."""
    address = reverse("admin:catalog_node_live", args=[node.pk])
    return f"{address}?{urlencode({FRAME_VAR: frame})}" if frame else address


def embedded_address(path: str) -> str:
    """Return the URL of the page of a node inside a registered file."""
    return f"{reverse('admin:catalog_node_embedded')}?{urlencode({PATH_VAR: path})}"


def live_page_address(path: str) -> str:
    """Return the URL of a node's page in the web interface; empty if there is none."""
    try:
        return reverse("web-browse", kwargs={"path": path})
    except NoReverseMatch:
        return ""


def is_listed(node: Node) -> bool:
    """Return whether a node has a list of children: a container that is not a registered file."""
    return node.structure_family == "container" and node.source is None


def jump_address(node: Node) -> str:
    """Return the URL to show for a node: the list of a container, the page of another node."""
    return listing_address(node.path) if is_listed(node) else page_address(node)


def breadcrumbs(segments: Sequence[str]) -> list[Breadcrumb]:
    """Return the steps from the root to the container at `segments`, both included."""
    steps = [Breadcrumb("Nodes", listing_address(""))]
    for number, name in enumerate(segments, start=1):
        steps.append(Breadcrumb(name, listing_address("/".join(segments[:number]))))
    return steps


def embedded_breadcrumbs(host: Node, keys: Sequence[str]) -> list[Breadcrumb]:
    """Return the steps from the root to the group at `keys` in the file of `host`."""
    steps = [*breadcrumbs(host.segments[:-1]), Breadcrumb(host.key, page_address(host))]
    for number, name in enumerate(keys, start=1):
        path = "/".join([*host.segments, *keys[:number]])
        steps.append(Breadcrumb(name, embedded_address(path)))
    return steps


def nearest_node(path: str) -> Node:
    """Return the node at `path`, or else the deepest existing one on the way to it."""
    segments = split_path(path.replace("\0", ""))
    paths = ["/".join(segments[:number]) for number in range(len(segments) + 1)]
    nodes = Node.objects.select_related("data_source").filter(path__in=paths)
    return nodes.order_by(Length("path").desc())[0]
