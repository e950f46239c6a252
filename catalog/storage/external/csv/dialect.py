"""How CSV files are written, as a data source's parameters say it in the words of pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import Unsupported

# What Tiled's users hand on to pandas, and what of it can be done, or makes no difference here.
SUPPORTED_VALUES: dict[str, tuple[Any, ...]] = {
    "assume_missing": (True, False),
    "encoding": ("utf-8", "utf8", None),
    "header": ("infer", 0, None),
    "index_col": (False, None),
}
HANDLED = {"sep", "delimiter", "names", "usecols"}


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """The delimiter, how many rows are a header, and the names of the columns if it has none."""

    delimiter: str
    header: int
    names: tuple[str, ...] | None

    @classmethod
    def read(
        cls, parameters: Mapping[str, Any], *, header: bool, columns: Sequence[str]
    ) -> CsvDialect:
        """Read a data source's parameters. Raises Unsupported.

        Where they do not say so, `header` tells if there is one, and the columns are `columns`.
        """
        for name, value in parameters.items():
            if name not in HANDLED and value not in SUPPORTED_VALUES.get(name, ()):
                raise Unsupported(f"CSV files with {name}={value!r} cannot be read.")
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
            f"A delimiter is one ASCII character, and neither a quote nor a line's end: "
            f"{delimiter!r} is none."
        )
    return str(delimiter)


def _names(names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unsupported(f"The names of columns are a list of texts, not {names!r}.")
    return tuple(names)
