"""Hypothesis strategies of metadata and filters: of few keys and values, so that some match."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from catalog.queries.filters import Filter

KEYS = ["a", "b", "A", "0", "1", "01", "-1", " 1", "é", 'q"x', '"q"', "x.y", "x[0]", "\\", "$", ""]
LETTERS = ["a", "b", "B", "é", "É", "µ", "-", "_", " ", "%", "\\", '"', "\n", "*", "[", "😀", "7"]

text = st.text(st.sampled_from(LETTERS), max_size=5)
number = st.integers(-3, 3) | st.sampled_from([1.0, 0.5, -0.0, 1e300, 2**53, 1e-9])
scalar = st.none() | st.booleans() | number | text
value = st.recursive(
    scalar,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=5,
)
metadata = st.dictionaries(st.sampled_from(KEYS), value, max_size=5)
segments = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)


def key(parts: list[str]) -> str:
    """Return the key of a filter: the parts joined by dots, and quoted where necessary."""
    return ".".join(json.dumps(part) if "." in part or '"' in part else part for part in parts)


@st.composite
def found_in(draw: st.DrawFn, nodes: list[dict[str, Any]]) -> tuple[list[str], Any]:
    """Draw keys that exist in the metadata of one of `nodes`, and the value there."""
    item: Any = draw(st.sampled_from(nodes))
    parts: list[str] = []
    while isinstance(item, dict | list) and item and (not parts or draw(st.booleans())):
        keys = list(item) if isinstance(item, dict) else list(range(len(item)))
        chosen = draw(st.sampled_from(keys))
        parts.append(str(chosen))
        item = item[chosen]
    return parts or draw(segments), item


@st.composite
def filters(draw: st.DrawFn, nodes: list[dict[str, Any]]) -> tuple[list[str], Filter]:
    """Draw a filter and the parts of its key, most often with a key that exists."""
    parts, there = draw(found_in(nodes))
    if draw(st.integers(0, 3)) == 0:
        parts = draw(segments)
    wanted = draw(st.one_of(st.just(there), st.just(there), value))
    name, values = draw(
        st.one_of(
            st.sampled_from(["eq", "noteq", "contains"]).map(lambda n: (n, {"value": wanted})),
            st.tuples(
                st.sampled_from(["in", "notin"]),
                st.lists(st.just(wanted) | value, max_size=3).map(lambda v: {"value": v}),
            ),
            st.booleans().map(lambda exists: ("keypresent", {"exists": exists})),
            st.tuples(
                st.just("comparison"),
                st.fixed_dictionaries(
                    {
                        "operator": st.sampled_from(["lt", "le", "gt", "ge"]),
                        "value": st.just(there)
                        if type(there) in (int, float, str)
                        else number | text,
                    }
                ),
            ),
            patterns.map(lambda pattern: ("like", {"pattern": pattern})),
            text.map(lambda words: ("fulltext", {"text": words})),
        )
    )
    return parts, Filter(name, values if name == "fulltext" else {**values, "key": key(parts)})


patterns = st.lists(
    st.sampled_from(["%", "_", r"\%", r"\_", r"\\", *(c for c in LETTERS if c not in "%_\\")]),
    max_size=4,
).map("".join)


def encoded(query: Filter) -> list[tuple[str, str]]:
    """Return the filter as parameters of a query string."""
    raw = {"key", "operator", "text", "exists"}
    return [
        (
            f"filter[{query.kind}][condition][{field}]",
            str(item) if field in raw else json.dumps(item),
        )
        for field, item in query.values.items()
    ]
