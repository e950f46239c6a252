"""Updates of a stream as lines: of text for people, of JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from .output import plain, print_json

if TYPE_CHECKING:
    from ..stream.protocol.notices import Gap, Reset
    from ..stream.updates import Update

# Arrays of more values are described by their range; those of more in JSON have no values.
VALUES_IN_TEXT = 12
VALUES_IN_JSON = 100_000
ROWS_IN_TEXT = 20
MIN_COLUMN_WIDTH = 8


class JsonLines:
    """Prints each event as a JSON object on a line."""

    def update(self, update: Update) -> None:
        """Print an update."""
        found: dict[str, Any] = {
            "event": update.topic,
            "path": "/" + "/".join(update.path),
            "sequence": update.sequence,
            "time": update.timestamp,
            "missed": update.missed,
        }
        self._print(found | _content(update))

    def gap(self, gap: Gap) -> None:
        """Print that updates are missing."""
        self._print(
            {
                "event": "gap",
                "path": "/" + "/".join(gap.path),
                "first": gap.first,
                "last": gap.last,
                "reason": gap.reason,
            }
        )

    def reset(self, reset: Reset) -> None:
        """Print that the numbering begins again."""
        self._print({"event": "reset", "path": "/" + "/".join(reset.path), "epoch": reset.epoch})

    def _print(self, event: dict[str, Any]) -> None:
        print_json(event, indent=None)


class TextLines:
    """Prints each update as a line, tables as rows below a heading.

    Parameters
    ----------
    with_path
        Print the path of the node that changed, too.
    """

    def __init__(self, *, with_path: bool) -> None:
        self._with_path = with_path
        self._heading: tuple[Any, ...] | None = None

    def update(self, update: Update) -> None:
        """Print an update."""
        time = update.timestamp.astimezone().strftime("%H:%M:%S.%f")[:-3]
        path = f"  /{'/'.join(update.path)}" if self._with_path else ""
        prefix = f"{time}  {update.sequence:>6}{path}"
        if hasattr(update, "arrow"):
            self._rows(update, prefix)
        else:
            click.echo(f"{prefix}  {_describe(update)}")

    def gap(self, gap: Gap) -> None:
        """Print that updates are missing."""
        click.echo(f"{gap.count} updates are missing ({gap.reason}).", err=True)

    def reset(self, _: Reset) -> None:
        """Print nothing: the stream logs it, and `watch` prints what it logs."""

    def _rows(self, update: Any, prefix: str) -> None:
        table = update.arrow()
        names = table.column_names
        widths = [max(len(name), MIN_COLUMN_WIDTH) for name in names]
        heading = (update.path, *names)
        if heading != self._heading:
            self._heading = heading
            cells = "  ".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
            click.echo(f"{'':<{len(prefix)}}  {cells}")
        columns = [column.to_pylist() for column in table.slice(0, ROWS_IN_TEXT).columns]
        for row in zip(*columns, strict=True):
            cells = "  ".join(
                f"{_cell(value):>{width}}" for value, width in zip(row, widths, strict=True)
            )
            click.echo(f"{prefix}  {cells}")
        if table.num_rows > ROWS_IN_TEXT:
            click.echo(f"{prefix}  ... {table.num_rows - ROWS_IN_TEXT} more rows")


def _content(update: Any) -> dict[str, Any]:
    """Return what an update brought, for JSON."""
    if hasattr(update, "arrow"):
        return {"append": update.append, "rows": update.arrow().to_pydict()}
    if hasattr(update, "key"):
        names = ("key", "structure_family", "metadata", "specs")
        found = {name: getattr(update, name) for name in names if hasattr(update, name)}
        if "specs" in found:
            found["specs"] = [spec.to_json() for spec in found["specs"]]
        return found
    data = update.data()
    if not isinstance(data, np.ndarray):
        return {"data": _listed(data)}
    found = {"offset": getattr(update, "offset", None), "shape": data.shape}
    found["dtype"] = str(data.dtype)
    if data.size <= VALUES_IN_JSON:
        return {**found, "data": plain(data)}
    return {**found, **_range(data)}


def _describe(update: Any) -> str:
    if hasattr(update, "key"):
        verb = update.topic.removeprefix("child_").replace("_", " ")
        family = f" ({update.structure_family})" if hasattr(update, "structure_family") else ""
        metadata = f" {plain(update.metadata)}" if getattr(update, "metadata", None) else ""
        return f"{verb} {update.key}{family}{metadata}"
    data = update.data()
    if not isinstance(data, np.ndarray):
        return " ".join(repr(data).split())[:200]
    if data.size <= VALUES_IN_TEXT:
        text = np.array2string(data, threshold=VALUES_IN_TEXT, max_line_width=10_000)
        values = " ".join(text.split())
    else:
        values = "  ".join(f"{name} {_cell(value)}" for name, value in _range(data).items())
    offset = getattr(update, "offset", None)
    place = f" at {_sizes(offset)}" if offset is not None and any(offset) else ""
    return f"{_sizes(data.shape)}{place}  {values}"


def _range(data: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return the least, greatest and mean value of numbers; nothing for other types."""
    if data.dtype.kind not in "biuf" or not data.size:
        return {}
    values = data.astype("f8") if data.dtype.kind == "b" else data
    return {
        "min": float(np.nanmin(values)),
        "max": float(np.nanmax(values)),
        "mean": float(np.nanmean(values, dtype="f8")),
    }


def _listed(data: Any) -> Any:
    return data.to_list() if hasattr(data, "to_list") else plain(getattr(data, "tolist", str)())


def _sizes(sizes: Any) -> str:
    return "(" + ", ".join(map(str, sizes)) + ")"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
