"""The kinds of filters, by the names that the wire has for them, and what each of them asks.

Source: the wire, "Filter encoding".
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
from .comparison import OPERATORS, compared
from .contains import contains
from .equality import equal, none_of, one_of, unequal
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
class Kind:
    """What a filter of this kind asks: from its values, and the parent of the nodes if all have
    the same, to a condition. `fields` says what the wire's texts are, `defaults` what may be left
    out. The condition raises BadRequest and Invalid."""

    fields: dict[str, str]
    condition: Callable[[dict[str, Any], int | None], Q]
    defaults: dict[str, Any]


FILTERS: dict[str, Kind] = {}


def filtered(
    nodes: QuerySet[Node], filters: Iterable[Filter], *, parent: int | None = None
) -> QuerySet[Node]:
    """Those of `nodes` that pass all filters; `parent` is theirs, if all have the same.

    Raises BadRequest and Invalid.
    """
    filters = list(filters)
    _check_number(filters)
    for one in filters:
        nodes = nodes.filter(FILTERS[one.kind].condition(one.values, parent))
    return nodes


def _check_number(filters: list[Filter]) -> None:
    """Raise BadRequest for more than one search may ask."""
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
    """Whether these filters let nobody pass but children of the parent that they are told of."""
    return any(one.kind == "fulltext" for one in filters)


def _kind(
    name: str, fields: dict[str, str], **defaults: Any
) -> Callable[[Callable[..., Q]], Callable[..., Q]]:
    def register(function: Callable[..., Q]) -> Callable[..., Q]:
        FILTERS[name] = Kind(fields, function, defaults)
        return function

    return register


@_kind("eq", {"key": "raw", "value": "json"})
def _eq(values: dict[str, Any], parent: int | None) -> Q:
    return equal(_path(values), values["value"], parent)


@_kind("noteq", {"key": "raw", "value": "json"})
def _noteq(values: dict[str, Any], parent: int | None) -> Q:
    return unequal(_path(values), values["value"])


@_kind("comparison", {"operator": "raw", "key": "raw", "value": "json"})
def _comparison(values: dict[str, Any], parent: int | None) -> Q:
    operator, value = values["operator"], values["value"]
    if operator not in OPERATORS:
        raise Invalid(f"The operator must be one of {', '.join(OPERATORS)}, not {operator!r}.")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadRequest(f"Only numbers and texts are less or greater, not {value!r:.80}.")
    return compared(_path(values), operator, value)


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


@_kind("keys_filter", {"keys": "texts"})
def _keys_filter(values: dict[str, Any], parent: int | None) -> Q:
    return Q(key__in=values["keys"])


@_kind("lookup", {"key": "raw"})
def _lookup(values: dict[str, Any], parent: int | None) -> Q:
    # Below a container more than one node may have that key; the wire has no answer for that.
    return Q(key=values["key"]) if parent is not None else Q(pk__in=[])


@_kind("access_tags_filter", {"tags": "texts"})
def _access_tags_filter(values: dict[str, Any], parent: int | None) -> Q:
    return with_any_tag(values["tags"]) if values["tags"] else Q(never())


def _path(values: dict[str, Any]) -> MetadataPath:
    return MetadataPath.parse(values["key"])
