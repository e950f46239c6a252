"""Readable JSON: indented, coloured, with long parts collapsed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Values up to this many characters stay on one line; those with more lines start collapsed.
MAX_INLINE_CHARS = 80
MAX_OPEN_LINES = 15
MAX_ITEMS = 200
MAX_TEXT_CHARS = 2000
MAX_DEPTH = 20

CLOSING = {"{": "}", "[": "]"}


def readable_json(value: Any) -> SafeString:
    """Return HTML for a JSON value; the outermost level is never collapsed."""
    value = _clipped(value, MAX_DEPTH)
    return _container(value, outermost=True) if _nested(value) else _inline(value)


def _clipped(value: Any, levels: int) -> Any:
    """Return the value with a limited number of levels, since deeper ones would not be readable."""
    if not _nested(value):
        return value
    if not levels:
        return "…"
    if isinstance(value, list):
        return [_clipped(item, levels - 1) for item in value]
    return {key: _clipped(item, levels - 1) for key, item in value.items()}


def _container(
    value: Any, label: SafeString | str = "", comma: str = "", *, outermost: bool = False
) -> SafeString:
    """Return an object or a list on several lines, with its label and trailing comma."""
    opening = "{" if isinstance(value, dict) else "["
    body = format_html_join("", "<div>{}</div>", ((line,) for line in _lines(value)))
    if outermost:
        return format_html("{}<div class='json-body'>{}</div>{}", opening, body, CLOSING[opening])
    return format_html(
        "<details{}><summary>{}{}<span class='json-count'> {} items </span></summary>"
        "<div class='json-body'>{}</div>{}{}</details>",
        SafeString("" if _count_lines(value) > MAX_OPEN_LINES else " open"),
        label,
        opening,
        len(value),
        body,
        CLOSING[opening],
        comma,
    )


def _lines(value: Any) -> Iterator[SafeString]:
    entries = list(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
    for number, (key, item) in enumerate(entries[:MAX_ITEMS], start=1):
        label = SafeString() if key is None else format_html("{}: ", _token("key", key))
        comma = "," if number < len(entries) else ""
        if _long(item):
            yield _container(item, label, comma)
        else:
            yield format_html("{}{}{}", label, _inline(item), comma)
    if len(entries) > MAX_ITEMS:
        yield format_html("<span class='json-count'>… {} more</span>", len(entries) - MAX_ITEMS)


def _inline(value: Any) -> SafeString:
    match value:
        case dict():
            pairs = ((_token("key", key), _inline(item)) for key, item in value.items())
            return format_html("{{{}}}", format_html_join(", ", "{}: {}", pairs))
        case list():
            return format_html("[{}]", format_html_join(", ", "{}", ((_inline(v),) for v in value)))
        case str():
            return _token("text", value)
        case bool() | None:
            return _token("literal", value)
    return _token("number", value)


def _token(kind: str, value: Any) -> SafeString:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > MAX_TEXT_CHARS:
        text = f"{text[:MAX_TEXT_CHARS]}… ({len(text):,} characters)"
    return format_html("<span class='json-{}'>{}</span>", kind, text)


def _nested(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def _long(value: Any) -> bool:
    """Return whether a value needs several lines."""
    return _nested(value) and len(json.dumps(value)) > MAX_INLINE_CHARS


def _count_lines(value: Any) -> int:
    if not _long(value):
        return 1
    items = value.values() if isinstance(value, dict) else value
    return 2 + sum(_count_lines(item) for item in items)
