"""Find nodes of the catalog by path."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet, Value
from django.db.models.functions import Length, Replace

from core.errors import NotFound
from tiled_client.wire.structure_family import StructureFamily

from ..database_vendor import on_postgresql
from ..models import Node
from .prepared_queries import PreparedQuery

_BY_PATH = PreparedQuery(lambda: Node.objects.select_related("data_source").filter(path=""))


def split_path(text: str) -> list[str]:
    """Return the keys in a path; empty segments (doubled slashes) are ignored."""
    return [segment for segment in text.split("/") if segment]


def resolve(path: str | Sequence[str]) -> Node:
    """Return the node at `path`, with its data source, in one query. Raises NotFound."""
    segments = split_path(path) if isinstance(path, str) else list(path)
    joined = "/".join(segments)
    # No key has a NUL, and PostgreSQL rejects a parameter with one.
    found = () if "\0" in joined else _BY_PATH.fetch(joined)
    if not found:
        raise no_such_entry(segments)
    return found[0]


def is_taken(path: str) -> bool:
    """Return whether there is a node at exactly this path."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM catalog_node WHERE path = %s", [path])
        return cursor.fetchone() is not None


def resolve_for_update(path: str | Sequence[str]) -> Node:
    """Return the node at `path`, locked against deletion until the end of the transaction.

    Raises NotFound.
    """
    segments = split_path(path) if isinstance(path, str) else list(path)
    joined = "/".join(segments)
    nodes = Node.objects.select_for_update(of=("self",)).select_related("data_source")
    try:
        return (nodes.none() if "\0" in joined else nodes).get(path=joined)
    except Node.DoesNotExist as error:
        raise no_such_entry(segments) from error


def resolve_family(path: str | Sequence[str], *families: StructureFamily) -> Node:
    """Return the node at `path` if it is of one of `families`. Raises NotFound."""
    return of_family(resolve(path), *families)


def filter_descendants(nodes: QuerySet[Node], path: str) -> QuerySet[Node]:
    """Return those of `nodes` that are descendants of the container at `path`."""
    if not path:
        return nodes.exclude(path="")
    head = f"{path}/"
    if not on_postgresql():
        # SQLite's LIKE uses no index and ignores case. The character after the slash is the zero.
        return nodes.filter(path__gt=head, path__lt=f"{path}0")
    return nodes.filter(path__startswith=head)


def within_depth(nodes: QuerySet[Node], path: str, depth: int) -> QuerySet[Node]:
    """Return those of `nodes` that are at most `depth` levels below the container at `path`."""
    slashes = Length("path") - Length(Replace("path", Value("/"), Value("")))
    return nodes.alias(slashes=slashes).filter(slashes__lt=len(split_path(path)) + depth)


def of_family(node: Node, *families: StructureFamily) -> Node:
    """Return the node, if it is of one of `families`. Raises NotFound."""
    check_family(node.path, node.family, families)
    return node


def check_family(path: str, family: StructureFamily, families: Sequence[StructureFamily]) -> None:
    """Raise NotFound unless the `family` of the node at `path` is one of `families`."""
    if family not in families:
        names = ", ".join(one.value for one in families)
        raise NotFound(
            f"The node at {path} has structure family {family.value} and this "
            f"endpoint is compatible with structure families {{{names}}}"
        )


def no_such_entry(segments: Sequence[str]) -> NotFound:
    """Return the error for a missing node."""
    return NotFound(f"No such entry: {list(segments)}")
