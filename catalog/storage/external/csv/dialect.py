"""Dialect of a CSV file, from the pandas parameters of its data source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import Unsupported

# Parameters of pandas that Tiled's users set, with the values that are supported.
SUPPORTED_VALUES: dict[str, tuple[Any, ...]] = {
    "assume_missing": (True, False),
    "encoding": ("utf-8", "utf8", None),
    "header": ("infer", 0, None),
    "index_col": (False, None),
}
HANDLED = {"sep", "delimiter", "names", "usecols"}


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """The delimiter, the number of header rows, and the column names if there is no header."""

    delimiter: str
    header: int
    names: tuple[str, ...] | None

    @classmethod
    def read(
        cls, parameters: Mapping[str, Any], *, header: bool, columns: Sequence[str]
    ) -> CsvDialect:
        """Read a data source's parameters. Raises Unsupported.

        By default, `header` says whether there is a header, and `columns` names the columns.
        """
        for name, value in parameters.items():
            if name not in HANDLED and value not in SUPPORTED_VALUES.get(name, ()):
                raise Unsupported(f"CSV files with {name}={value!r} are not supported.")
        names = _names(parameters.get("names"))
        said = parameters.get("header", "infer")
        header = (header and names is None) if said == "infer" else said == 0
        if not header and names is None:
            names = tuple(columns)
        return cls(_delimiter(parameters), int(header), names)


def _delimiter(parameters: Mapping[str, Any]) -> str:
    delimiter: Any = parameters.get("sep") or parameters.get("delimiter") or ","
    one = isinstance(delimiter, str) and len(delimiter) == 1 and delimiter.isascii()
    if not one or delimiter in '"\r\n':
        raise Unsupported(
            f"The delimiter must be one ASCII character other than a quote or line end, "
            f"not {delimiter!r}."
        )
    return str(delimiter)


def _names(names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unsupported(f"`names` must be a list of strings, not {names!r}.")
    return tuple(names)
