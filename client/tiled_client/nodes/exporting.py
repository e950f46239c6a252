"""Data of a node, saved in a format that other programs read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, BinaryIO

from ..http.client import HttpClient
from ..uris import Path

File = str | os.PathLike[str] | BinaryIO

# Longer lists of names go into the body: servers and proxies limit URLs.
QUERY_LIMIT = 1500


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What of a node is request: the `endpoint`, its parameters, and names of columns or children.

    `named` is the parameter that has one name each.
    """

    endpoint: str
    params: dict[str, Any] = field(default_factory=dict)
    named: str = ""
    names: list[str] = field(default_factory=list)

    def params_in_address(self) -> list[tuple[str, Any]]:
        """The parameters, with the names if they are few."""
        names = [] if self._names_exceed_url else self.names
        return [*self.params.items(), *((self.named, name) for name in names)]

    def names_in_body(self) -> list[str] | None:
        """The names, if they are many."""
        return self.names if self._names_exceed_url else None

    @property
    def _names_exceed_url(self) -> bool:
        return sum(map(len, self.names)) > QUERY_LIMIT


def export(
    http: HttpClient, path: Path, request: ExportRequest, file: File, format: str | None
) -> None:
    """Save the requested data; a file given by its path is not left behind incomplete.

    Raises ValueError where no format is named, and the file has no name that says it.
    """
    params = [*request.params_in_address(), ("format", _format(file, format))]
    names = request.names_in_body()
    if not isinstance(file, (str, os.PathLike)):
        http.download(request.endpoint, path, file, params=params, names=names)
        return
    target = FilePath(file)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as made:
            http.download(request.endpoint, path, made, params=params, names=names)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def names_of(names: Iterable[str] | None) -> list[str]:
    """The names; a single text is one. Raises ValueError for a list of none."""
    if names is None:
        return []
    found = [names] if isinstance(names, str) else list(names)
    if not found:
        raise ValueError("name at least one, or leave it out for all")
    return found


def _format(file: File, format: str | None) -> str:
    if format is None and isinstance(file, (str, os.PathLike)):
        format = FilePath(file).suffix
    if not format:
        raise ValueError("say the format, as in format='csv': the file does not")
    return format.removeprefix(".")
