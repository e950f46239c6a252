"""Live plots of nodes: images, lines and tables that follow their stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..arguments import positive_number, whole_number
from ..nodes.array import ArrayClient
from ..nodes.table import TableClient
from .drawings.images import ImageDrawing
from .drawings.lines import LineDrawing
from .drawings.tables import TableDrawing
from .environment import Backend, choose_backend
from .feeds.feed import LiveFeed
from .feeds.images import ImageFeed
from .feeds.lines import ArrayLineFeed, TableLineFeed
from .feeds.tables import TableFeed
from .looks import ImageLook, Limits
from .plot import LivePlot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .drawings.drawing import Drawing

    Draw = Callable[[Figure, str], Drawing[Any]]

Method = Literal["mean", "max", "min", "sum", "stride"]

# Height and width in pixels, until the size of the display is known.
CANVAS = (480, 640)


def image(
    node: ArrayClient,
    *,
    limits: Limits = "auto",
    cmap: str = "viridis",
    log: bool = False,
    reduce: Method = "mean",
    max_rate: float = 20,
    backend: Backend = "auto",
) -> LivePlot:
    """Show an array as an image that follows its stream: the newest, if it has several.

    The server makes images smaller that have more pixels than the display, and sends what is in
    view in full when a user zooms. Images that are written faster than they are drawn are skipped.

    Parameters
    ----------
    node
        An array of two or more dimensions; the last ones are rows and columns, and perhaps colours.
    limits
        Limits of the colour map: "auto" (most of the values of each image), "minmax", "frozen"
        (those of the first image), or a lower and an upper limit, as in (0, 100).
    cmap
        The colour map, such as "viridis", "magma", "gray" or "turbo".
    log
        Whether colours rise with the logarithm of values.
    reduce
        How the server makes images smaller: "mean", "max", "min" or "sum" of the pixels that one of
        the display stands for, or "stride" for one of them.
    max_rate
        Maximum number of images per second.
    backend
        "jupyter" for a widget, "matplotlib" for a window, "auto" for what fits.

    Returns
    -------
    LivePlot
        The plot, which is shown already.

    Raises
    ------
    ImportError
        If a package of the extra `live` is not installed.
    ValueError
        If the array is not an image, or an argument is invalid.

    Examples
    --------
    >>> from tiled_client import live
    >>> frames = client.write_array(np.zeros((1, 4, 6)), key="frames")
    >>> with live.image(frames, limits=(0, 10)) as plot:
    ...     frames.patch(np.ones((1, 4, 6)), offset=1, extend=True)
    ...     frames.close_stream()
    ...     plot.wait(timeout=10)
    True
    """
    look = ImageLook.parse(cmap, limits, log)
    place = choose_backend(backend)
    _require(node, (ArrayClient,), "image", "an array")
    feed = ImageFeed(node, CANVAS, positive_number(max_rate, "max_rate"), reduce)
    return _show(
        feed, lambda figure, label: ImageDrawing(figure, label, look), place, max_rate, look=look
    )


def line(
    node: ArrayClient | TableClient,
    x: str | None = None,
    y: str | Sequence[str] | None = None,
    *,
    history: int = 100_000,
    max_rate: float = 20,
    backend: Backend = "auto",
) -> LivePlot:
    """Plot columns of a table, or an array, as lines that follow its stream.

    Parameters
    ----------
    node
        A table, to which rows are appended; or an array. One of one dimension is replaced or
        appended to; of one of more dimensions the last row is shown.
    x
        The column on x; by default the number of the row.
    y
        One or more columns on y; by default the first columns of numbers.
    history
        Number of points that are kept, the newest.
    max_rate
        Maximum number of drawings per second. No row is left out.
    backend
        "jupyter" for a widget, "matplotlib" for a window, "auto" for what fits.

    Returns
    -------
    LivePlot
        The plot, which is shown already.

    Raises
    ------
    ImportError
        If a package of the extra `live`, or of `tables`, is not installed.
    KeyError
        If there is no such column.
    ValueError
        If the values are not numbers, or an argument is invalid.

    Examples
    --------
    >>> from tiled_client import live
    >>> log = client.write_table({"time": [0.0, 0.5], "counts": [7, 9]}, key="log")
    >>> with live.line(log, x="time", y="counts") as plot:
    ...     log.append({"time": [1.0], "counts": [8]})
    ...     log.close_stream()
    ...     plot.wait(timeout=10)
    True
    """
    limit = whole_number(history, "history", minimum=2)
    place = choose_backend(backend)
    _require(node, (ArrayClient, TableClient), "line", "an array or a table")
    feed: LiveFeed[Any]
    if isinstance(node, TableClient):
        feed = TableLineFeed(node, x, [y] if isinstance(y, str) else y, limit)
    elif x is not None or y is not None:
        raise ValueError("an array has no columns: x and y are for tables")
    else:
        feed = ArrayLineFeed(node, limit)
    return _show(feed, LineDrawing, place, positive_number(max_rate, "max_rate"))


def table(
    node: TableClient,
    *,
    rows: int = 20,
    columns: Sequence[str] | None = None,
    max_rate: float = 10,
    backend: Backend = "auto",
) -> LivePlot:
    """Show the last rows of a table, and follow its stream.

    Parameters
    ----------
    node
        A table.
    rows
        The number of rows.
    columns
        The columns to show; by default all. A window shows the first eight.
    max_rate
        Maximum number of drawings per second.
    backend
        "jupyter" for a widget, "matplotlib" for a window, "auto" for what fits.

    Returns
    -------
    LivePlot
        The plot, which is shown already.

    Raises
    ------
    ImportError
        If a package of the extra `live`, or of `tables`, is not installed.
    KeyError
        If there is no such column.

    Examples
    --------
    >>> from tiled_client import live
    >>> log = client.write_table({"time": [0.0, 0.5], "counts": [7, 9]}, key="log")
    >>> with live.table(log, rows=5) as plot:
    ...     plot.state
    'live'
    """
    limit = whole_number(rows, "rows", minimum=1)
    place = choose_backend(backend)
    _require(node, (TableClient,), "table", "a table")
    feed = TableFeed(node, columns, limit)
    return _show(feed, TableDrawing, place, positive_number(max_rate, "max_rate"))


def _require(node: Any, classes: tuple[type, ...], name: str, expected: str) -> None:
    if not isinstance(node, classes):
        raise TypeError(f"live.{name} shows {expected}, not {node!r}")


def _show(
    feed: LiveFeed[Any],
    draw: Draw,
    place: Literal["jupyter", "matplotlib"],
    max_rate: float,
    look: ImageLook | None = None,
) -> LivePlot:
    """Start a feed, and show it."""
    label = feed.node.path[-1] if feed.node.path else "/"
    plot: LivePlot
    try:
        feed.start()
        if place == "matplotlib":
            from .windows import LiveWindow

            plot = LiveWindow(
                feed, lambda figure: draw(figure, label), label=label, max_rate=max_rate
            )
        else:
            from .notebook.plot import NotebookPlot

            plot = NotebookPlot(feed, draw, label=label, max_rate=max_rate, look=look)
        plot.open()
    except BaseException:
        feed.close()
        raise
    return plot
