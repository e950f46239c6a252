"""A live plot in a notebook: the widget, and a picture for where there is no kernel any more."""

from __future__ import annotations

import base64
import math
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..drawings.drawing import Drawing
from ..feeds.feed import LiveFeed
from ..feeds.frames import Region
from ..feeds.images import ImageFeed
from ..feeds.lines import ArrayLineFeed, TableLineFeed
from ..feeds.tables import TableFeed
from ..looks import ImageLook
from ..plot import LivePlot
from .cells import Cells
from .courier import Courier
from .messages import ContentEncoder, ImageEncoder, LineEncoder, RowEncoder
from .widget import LiveWidget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[["Figure", str], Drawing[Any]]


class NotebookPlot(LivePlot):
    """A live plot in a notebook; its `widget` can be placed in layouts of ipywidgets.

    The output of the cell that makes it is the widget and, in the saved notebook, a picture: of the
    beginning, and of the end once the stream has ended or the plot was closed.
    """

    def __init__(
        self,
        feed: LiveFeed[Any],
        draw: Draw,
        *,
        label: str,
        max_rate: float,
        look: ImageLook | None,
    ) -> None:
        kind, encoder = _kind_of(feed)
        self._feed = feed
        self._draw = draw
        self._label = label
        self._closed = self._has_end = False
        self._ended = threading.Event()
        self._cells = Cells()
        self._shown_by = -1
        self._handle: Any = None
        self.widget = LiveWidget(
            key=secrets.token_hex(8),
            kind=kind,
            label=label,
            look={} if look is None else _page_settings(look),
            interval=1000 / max_rate,
        )
        self._courier = Courier(feed, encoder, self.widget.send, lambda: self._cells.is_running)
        self.widget.on_msg(self._on_message)
        feed.add_listener(self._on_change)

    def open(self) -> None:
        """Show the widget in the output of this cell."""
        self._shown_by = self._cells.number
        self._handle = self._cells.show(self._bundle())
        self._on_change()

    def refresh(self) -> bool:
        """Send what is new if the widget is ready for it; return whether anything was sent."""
        return not self._closed and self._courier.deliver()

    def wait(self, timeout: float | None = None) -> bool:
        """Block this cell until the stream has ended; see `LivePlot.wait`.

        Without this the plot is shown as well: it does not depend on the cell.
        """
        ended = self._ended.wait(timeout)
        if ended:
            self._save_end()
        return ended

    def close(self) -> None:
        """End the subscription; in place of the widget, the notebook keeps a picture."""
        if self._closed:
            return
        self._closed = True
        self._feed.close()
        self._ended.set()
        self._cells.close()
        self._save_picture()
        self.widget.close()

    def savefig(self, file: Any, **options: Any) -> None:
        """Save what the feed has now, as a figure of matplotlib; see `LivePlot.savefig`."""
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained")
        drawing = self._draw(figure, self._label)
        content = self._feed.peek()
        if content is not None:
            drawing.update(content)
        drawing.show_status(self._feed.status)
        figure.savefig(file, **options)

    def _ipython_display_(self) -> None:
        # The last expression of the cell that has made it: it is there already.
        if self._shown_by != self._cells.number and not self._closed:
            self.open()

    def _on_message(self, _: object, content: dict[str, Any], __: object) -> None:
        match content:
            case {"type": "ready"}:
                self._courier.begin()
            case {"type": "drawn", "id": int(number)}:
                self._courier.acknowledge(number)
            case {"type": "viewport"}:
                self._look_at(content)

    def _look_at(self, viewport: dict[str, Any]) -> None:
        if not isinstance(self._feed, ImageFeed):
            return
        layout = self._feed.layout
        region = Region(
            max(0, math.floor(viewport["y0"])),
            min(layout.height, math.ceil(viewport["y1"])),
            max(0, math.floor(viewport["x0"])),
            min(layout.width, math.ceil(viewport["x1"])),
        )
        canvas = (max(1, round(viewport["height"])), max(1, round(viewport["width"])))
        self._feed.look_at(None if region == layout.whole else region, canvas)

    def _on_change(self) -> None:
        if self._closed:
            return
        self._courier.deliver()
        if self._feed.status.state == "ended" and not self._ended.is_set():
            self._ended.set()
            # Matplotlib draws on the main thread alone.
            self._cells.call_soon(self._save_end)

    def _save_end(self) -> None:
        """Have the saved notebook show the end of the stream, once: the widget is made again."""
        if not self._has_end and not self._closed:
            self._has_end = True
            self._save_picture()

    def _save_picture(self) -> None:
        """Have the saved notebook show what is shown now."""
        if self._handle is not None:
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, Any]:
        """Return the output of the cell: the widget, if there is one, a picture, and text."""
        picture = self.snapshot()
        bundle: dict[str, Any] = {
            "text/plain": repr(self),
            "image/png": base64.b64encode(picture).decode(),
        }
        if not self._closed:
            self.widget.picture = picture
            found = self.widget._repr_mimebundle_()
            views = found[0] if isinstance(found, tuple) else found
            bundle |= {name: view for name, view in (views or {}).items() if name not in bundle}
        return bundle


def _kind_of(feed: LiveFeed[Any]) -> tuple[str, ContentEncoder[Any]]:
    if isinstance(feed, ImageFeed):
        return "image", ImageEncoder()
    if isinstance(feed, TableFeed):
        return "table", RowEncoder()
    assert isinstance(feed, (ArrayLineFeed, TableLineFeed))
    return "line", LineEncoder(feed.limit)


def _page_settings(look: ImageLook) -> dict[str, Any]:
    """Return settings as the image view has them."""
    limits = look.limits
    return {
        "map": look.cmap,
        "limits": limits if isinstance(limits, str) else f"{limits[0]},{limits[1]}",
        **({"scale": "log"} if look.log else {}),
    }
