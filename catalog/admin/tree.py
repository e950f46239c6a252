"""URLs of the admin's pages of nodes, and breadcrumbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models.functions import Length
from django.urls import reverse

from ..lookup.nodes import split_path
from ..models import Node

PATH_VAR = "path"


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


def jump_address(node: Node) -> str:
    """Return the URL to show for a node: the list of a container, the page of another node."""
    container = node.structure_family == "container"
    return listing_address(node.path) if container else page_address(node)


def breadcrumbs(segments: Sequence[str]) -> list[Breadcrumb]:
    """Return the steps from the root to the container at `segments`, both included."""
    steps = [Breadcrumb("Nodes", listing_address(""))]
    for number, name in enumerate(segments, start=1):
        steps.append(Breadcrumb(name, listing_address("/".join(segments[:number]))))
    return steps


def nearest_node(path: str) -> Node:
    """Return the node at `path`, or else the deepest existing one on the way to it."""
    segments = split_path(path.replace("\0", ""))
    paths = ["/".join(segments[:number]) for number in range(len(segments) + 1)]
    return Node.objects.filter(path__in=paths).order_by(Length("path").desc())[0]
