"""One HTTP request: its values and their encoding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..uris import Path

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]
Body = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Request:
    """A request without credentials, which may change from one attempt to the next."""

    method: str
    url: str
    params: list[tuple[str, str]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    endpoint: str = ""
    path: Path = ()
    seconds: float = math.inf
    """Time that is left for it."""


def encode_params(params: Params) -> list[tuple[str, str]]:
    """Return query parameters as text: booleans in lower case, sequences joined by commas.

    Parameters that are None are left out.
    """
    pairs = params.items() if isinstance(params, Mapping) else params
    return [(key, _text(value)) for key, value in pairs if value is not None]


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return ",".join(map(str, value))
    return str(value)
