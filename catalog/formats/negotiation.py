"""Content negotiation: choose the format of a response.

Source: docs/reference/tiled-protocol/http.md, Formats. The request has a list of media types or
extensions; the first one that is registered for the node's specs or its family is used. An `Accept`
header is first sorted by q-value. Parameters and the case of media types do not affect the choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import NotAcceptable
from core.http.media_types import PNG, excluded, preferences

from .exports import Exporter
from .registry import Formats

PARAMETER = re.compile(r"([\w-]{1,64})=([\w.+-]{1,64})")
# Parameters of negotiation and encoding, which exporters do not get.
STANDARD_PARAMETERS = {"q", "charset"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A media type with its parameters, and the family or spec whose exporter writes it."""

    name: str
    media_type: str
    parameters: Mapping[str, str]
    exporter: Exporter

    @property
    def content_type(self) -> str:
        """The Content-Type of the response."""
        said = [self.media_type, *(f"{name}={value}" for name, value in self.parameters.items())]
        return ";".join(said)


def choose(
    formats: Formats, specs: Sequence[str], family: str, wanted: str, *, header: bool = False
) -> Choice:
    """Return the first format in the list `wanted` that is registered for these specs.

    With `header`, the list is an `Accept` header with q-values. Raises NotAcceptable.
    """
    known = formats.media_types(specs, family)
    requested = preferences(wanted) if header else tuple(map(str.strip, wanted.split(",")))
    unwanted = excluded(wanted) if header else frozenset[str]()
    possible = {one.lower(): one for one in known if one.lower() not in unwanted}
    for part in requested:
        asked, _, said = part.partition(";")
        meant = _resolve(formats, asked.strip(), family, list(possible.values()))
        media_type = possible.get((meant or "").lower())
        if media_type is not None:
            name = known[media_type]
            exporter = formats.exporter(name, media_type)
            return Choice(name, media_type, _parameters(said), exporter)
    raise NotAcceptable(
        "None of the media types requested by the client are supported. "
        f"Supported: {', '.join(known)}. Requested: {', '.join(requested)}."
    )


def _resolve(formats: Formats, name: str, family: str, possible: Sequence[str]) -> str | None:
    """Return the media type of a name; for a wildcard, the best of the possible ones."""
    group, _, rest = name.partition("/")
    if rest != "*":
        return formats.media_type_of(name)
    best = PNG if group.lower() == "image" else formats.default(family)
    prefix = "" if group == "*" else f"{group.lower()}/"
    fitting = [one for one in possible if one.startswith(prefix)]
    return best if best in fitting else next(iter(fitting), None)


def _parameters(text: str) -> dict[str, str]:
    found = (PARAMETER.fullmatch(part.strip()) for part in text.split(";"))
    return {match[1]: match[2] for match in found if match and match[1] not in STANDARD_PARAMETERS}
