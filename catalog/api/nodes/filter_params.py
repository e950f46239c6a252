"""Parse filters from the query string.

Source: docs/reference/tiled-protocol/http.md,
"Filter encoding": `filter[eq][condition][key]=color`, and for repeated filters
of a kind the i-th values of all fields belong together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from rest_framework.request import Request

from core.errors import BadRequest, Invalid
from core.http.requests import FALSE, TRUE
from core.json_limits import check_json

from ...queries.filters import FILTERS, Filter


def filters_of(request: Request) -> list[Filter]:
    """Return all filters of the request; unknown kinds are ignored.

    Raises BadRequest and Invalid.
    """
    return [one for name in FILTERS for one in _of_kind(request, name)]


def _of_kind(request: Request, name: str) -> Iterator[Filter]:
    kind = FILTERS[name]
    given = {
        field: request.query_params.getlist(f"filter[{name}][condition][{field}]")
        for field in kind.fields
    }
    count = max(map(len, given.values()))
    for field, texts in given.items():
        if len(texts) != count and not (field in kind.defaults and not texts):
            raise BadRequest(
                f"Each {name} filter needs {_listed(kind.fields)}: {count} are given, but "
                f"{len(texts)} times filter[{name}][condition][{field}]."
            )
    for number in range(count):
        yield Filter(
            name,
            {
                field: READERS[kind.fields[field]](
                    f"filter[{name}][condition][{field}]", texts[number]
                )
                if texts
                else kind.defaults[field]
                for field, texts in given.items()
            },
        )


def _listed(fields: dict[str, str]) -> str:
    return " and ".join(fields)


def _raw(name: str, text: str) -> str:
    if "\0" in text:
        raise Invalid(f"{name} must not have a NUL character.")
    return text


def _json(name: str, text: str) -> Any:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise BadRequest(
            f'{name} must be JSON, in which texts have quotes, as in "red", not {text!r:.80}: '
            f"{error}."
        ) from error
    check_json(value)
    return value


def _list(name: str, text: str) -> list[Any]:
    value = _json(name, text)
    if not isinstance(value, list):
        raise BadRequest(f"{name} must be a JSON list, not {text!r:.80}.")
    return value


def _texts(name: str, text: str) -> list[str]:
    value = _list(name, text)
    if not all(isinstance(item, str) for item in value):
        raise BadRequest(f"{name} must be a JSON list of texts, not {text!r:.80}.")
    return value


def _text(name: str, text: str) -> str:
    value = _json(name, text)
    if not isinstance(value, str):
        raise BadRequest(f'{name} must be a JSON text, as in "Ni%", not {text!r:.80}.')
    return value


def _flag(name: str, text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise Invalid(f"{name} must be true or false, not {text!r:.80}.")
    return text.lower() in TRUE


READERS = {
    "raw": _raw,
    "json": _json,
    "list": _list,
    "texts": _texts,
    "text": _text,
    "flag": _flag,
}
