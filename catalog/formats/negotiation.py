"""Choosing the format that a request asks for.

Source: the wire, "Formats": a list of media types or extensions; the first that is known counts,
for one of the node's specs or for its family. Parameters do not matter for the choice, nor do
q-values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from access.errors import NotAcceptable

from .exports import Exporter
from .media_types import PNG
from .registry import Formats

PARAMETER = re.compile(r"([\w-]{1,64})=([\w.+-]{1,64})")
# They say how much something is wanted, and how the text arrives: not what is to be written.
NOT_OURS = {"q", "charset"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A media type with its parameters, and what writes it: for a family, or for a spec."""

    name: str
    media_type: str
    parameters: Mapping[str, str]
    exporter: Exporter

    @property
    def content_type(self) -> str:
        """The media type as the answer names it."""
        said = [self.media_type, *(f"{name}={value}" for name, value in self.parameters.items())]
        return ";".join(said)


def choose(formats: Formats, specs: Sequence[str], family: str, wanted: str) -> Choice:
    """The first of the formats in the list `wanted` that data of these specs can have.

    Raises NotAcceptable.
    """
    known = formats.media_types(specs, family)
    requested = [part.strip() for part in wanted.split(",")]
    for part in requested:
        asked, _, said = part.partition(";")
        media_type = _meant(formats, asked.strip(), family)
        if media_type in known:
            name = known[media_type]
            exporter = formats.exporter(name, media_type)
            return Choice(name, media_type, _parameters(said), exporter)
    raise NotAcceptable(
        "None of the media types requested by the client are supported. "
        f"Supported: {', '.join(known)}. Requested: {', '.join(requested)}."
    )


def _meant(formats: Formats, name: str, family: str) -> str | None:
    if name == "*/*":
        return formats.default(family)
    if name == "image/*":
        return PNG
    return formats.media_type_of(name)


def _parameters(text: str) -> dict[str, str]:
    found = (PARAMETER.fullmatch(part.strip()) for part in text.split(";"))
    return {match[1]: match[2] for match in found if match and match[1] not in NOT_OURS}
