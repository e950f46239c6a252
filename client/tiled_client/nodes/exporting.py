"""Export of a node's data to files in formats that other programs read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, BinaryIO

from ..arguments import names_of
from ..http.request_client import RequestClient
from ..uris import Path

File = str | os.PathLike[str] | BinaryIO

# Longer lists of names are sent in the body: servers and proxies limit the length of URLs.
MAX_NAMES_IN_URL = 1500


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The data to export: an endpoint with its parameters, and names of columns or children.

    `names_param` is the parameter that is repeated for each name.
    """

    endpoint: str
    params: dict[str, Any] = field(default_factory=dict)
    names_param: str = ""
    names: list[str] = field(default_factory=list)

    def query_params(self) -> list[tuple[str, Any]]:
        """Return the parameters of the URL, with the names if they fit."""
        names = [] if self._names_exceed_url else self.names
        return [*self.params.items(), *((self.names_param, name) for name in names)]

    def body_names(self) -> list[str] | None:
        """Return the names if they are too long for the URL, or None."""
        return self.names if self._names_exceed_url else None

    @property
    def _names_exceed_url(self) -> bool:
        return sum(map(len, self.names)) > MAX_NAMES_IN_URL


async def export(
    requests: RequestClient, path: Path, request: ExportRequest, file: File, format: str | None
) -> None:
    """Write the requested data to a file; a file given by path appears when it is complete.

    Raises ValueError if `format` is None, and the file has no extension.
    """
    params = [*request.query_params(), ("format", _format(file, format))]
    names = request.body_names()
    if not isinstance(file, (str, os.PathLike)):
        await requests.download(request.endpoint, path, file, params=params, names=names)
        return
    target = FilePath(file)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as opened:
            await requests.download(request.endpoint, path, opened, params=params, names=names)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def name_list(names: Iterable[str] | None) -> list[str]:
    """Return names as a list; a string is one name. Raises ValueError for an empty list."""
    if names is None:
        return []
    result = names_of(names, "columns and fields")
    if not result:
        raise ValueError("the list of names is empty: give at least one, or None for all")
    return result


def _format(file: File, format: str | None) -> str:
    if not isinstance(file, (str, os.PathLike)) and not _takes_bytes(file):
        raise TypeError(
            f"file must be a path, or a file object that was opened to write bytes, not {file!r}"
        )
    if format is not None and not isinstance(format, str):
        raise TypeError(f"format must be a string such as 'csv', not {format!r}")
    if format is None and isinstance(file, (str, os.PathLike)):
        format = FilePath(file).suffix
    if not format:
        raise ValueError("format is missing, and the file has no extension: pass format='csv'")
    return format.removeprefix(".")


def _takes_bytes(file: object) -> bool:
    return hasattr(file, "write") and not isinstance(file, io.TextIOBase)
