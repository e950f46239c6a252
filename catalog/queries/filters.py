"""The kinds of filters, by their names in the protocol, and the condition of each.

Source: docs/reference/tiled-protocol/http.md, "Filter encoding".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core.bounds import bounds, exceeded
from core.errors import BadRequest, Invalid
from tiled_client.wire.structure_family import StructureFamily

from ..models import Node
from ..permissions.visibility import with_any_tag
from .comparison import OPERATORS, compare_values
from .contains import contains
from .creation_time import created_between
from .equality import equals, none_of, not_equals, one_of
from .fulltext import fulltext
from .paths import MetadataPath
from .patterns import like, regex
from .specs import with_specs
from .sql import never


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its kind, and a value for each of its fields."""

    kind: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FilterKind:
    """A kind of filter: `condition` maps its field values, and the nodes' common parent, to a Q.

    `fields` gives the encoding of each field in the query string, `defaults` the optional
    fields. The parent is None if the nodes have several. `condition` raises BadRequest and
    Invalid.
    """

    fields: dict[str, str]
    condition: Callable[[dict[str, Any], int | None], Q]
    defaults: dict[str, Any]


FILTERS: dict[str, FilterKind] = {}


def apply_filters(
    nodes: QuerySet[Node], filters: Iterable[Filter], *, parent: int | None = None
) -> QuerySet[Node]:
    """Return those of `nodes` that pass all filters; `parent` is given if all nodes share it.

    Raises BadRequest and Invalid.
    """
    filters = list(filters)
    _check_number(filters)
    for one in filters:
        nodes = nodes.filter(FILTERS[one.kind].condition(one.values, parent))
    return nodes


def _check_number(filters: list[Filter]) -> None:
    """Raise BadRequest for more filters than one search may have."""
    keys = [str(one.values["key"]) for one in filters if "key" in one.values]
    counts = {
        "filters": ("Filters in this search", len(filters)),
        "filter_keys": ("Parts of metadata keys", sum(key.count(".") + 1 for key in keys)),
        "regex_filters": ("Regular expressions", sum(one.kind == "regex" for one in filters)),
    }
    for name, (what, count) in counts.items():
        if count > getattr(bounds(), name):
            raise BadRequest(exceeded(what, count, name))


def implies_parent(filters: Iterable[Filter]) -> bool:
    """Return whether the filters match only children of the parent that is passed to them."""
    return any(one.kind == "fulltext" for one in filters)


def _kind(
    name: str, fields: dict[str, str], **defaults: Any
) -> Callable[[Callable[..., Q]], Callable[..., Q]]:
    def register(function: Callable[..., Q]) -> Callable[..., Q]:
        FILTERS[name] = FilterKind(fields, function, defaults)
        return function

    return register


@_kind("eq", {"key": "raw", "value": "json"})
def _eq(values: dict[str, Any], parent: int | None) -> Q:
    return equals(_path(values), values["value"], parent)


@_kind("noteq", {"key": "raw", "value": "json"})
def _noteq(values: dict[str, Any], parent: int | None) -> Q:
    return not_equals(_path(values), values["value"])


@_kind("comparison", {"operator": "raw", "key": "raw", "value": "json"})
def _comparison(values: dict[str, Any], parent: int | None) -> Q:
    operator, value = values["operator"], values["value"]
    if operator not in OPERATORS:
        raise Invalid(f"The operator must be one of {', '.join(OPERATORS)}, not {operator!r}.")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadRequest(f"Only numbers and strings can be compared by order, not {value!r:.80}.")
    return compare_values(_path(values), operator, value)


@_kind("contains", {"key": "raw", "value": "json"})
def _contains(values: dict[str, Any], parent: int | None) -> Q:
    return contains(_path(values), values["value"])


@_kind("in", {"key": "raw", "value": "list"})
def _in(values: dict[str, Any], parent: int | None) -> Q:
    return one_of(_path(values), values["value"], parent)


@_kind("notin", {"key": "raw", "value": "list"})
def _notin(values: dict[str, Any], parent: int | None) -> Q:
    return none_of(_path(values), values["value"])


@_kind("keypresent", {"key": "raw", "exists": "flag"}, exists=True)
def _keypresent(values: dict[str, Any], parent: int | None) -> Q:
    present = Q(_path(values).present)
    return present if values["exists"] else ~present


@_kind("like", {"key": "raw", "pattern": "text"})
def _like(values: dict[str, Any], parent: int | None) -> Q:
    return like(_path(values), values["pattern"])


@_kind("regex", {"key": "raw", "pattern": "raw", "case_sensitive": "flag"}, case_sensitive=True)
def _regex(values: dict[str, Any], parent: int | None) -> Q:
    return regex(_path(values), values["pattern"], values["case_sensitive"])


@_kind("fulltext", {"text": "raw"})
def _fulltext(values: dict[str, Any], parent: int | None) -> Q:
    return fulltext(values["text"], parent)


@_kind("specs", {"include": "texts", "exclude": "texts"}, include=[], exclude=[])
def _specs(values: dict[str, Any], parent: int | None) -> Q:
    return with_specs(values["include"], values["exclude"])


@_kind("structure_family", {"value": "raw"})
def _structure_family(values: dict[str, Any], parent: int | None) -> Q:
    known = [family.value for family in StructureFamily]
    if values["value"] not in known:
        raise Invalid(f"A structure family is one of {', '.join(known)}, not {values['value']!r}.")
    return Q(structure_family=values["value"])


@_kind("created", {"since": "raw", "until": "raw"}, since="", until="")
def _created(values: dict[str, Any], parent: int | None) -> Q:
    return created_between(values["since"], values["until"])


@_kind("keys_filter", {"keys": "texts"})
def _keys_filter(values: dict[str, Any], parent: int | None) -> Q:
    return Q(key__in=values["keys"])


@_kind("lookup", {"key": "raw"})
def _lookup(values: dict[str, Any], parent: int | None) -> Q:
    # Below a container several nodes may have that key; the protocol defines no result for that.
    return Q(key=values["key"]) if parent is not None else Q(pk__in=[])


@_kind("access_tags_filter", {"tags": "texts"})
def _access_tags_filter(values: dict[str, Any], parent: int | None) -> Q:
    return with_any_tag(values["tags"]) if values["tags"] else Q(never())


def _path(values: dict[str, Any]) -> MetadataPath:
    return MetadataPath.parse(values["key"])
