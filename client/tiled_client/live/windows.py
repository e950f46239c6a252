"""Live plots in windows of matplotlib, which are drawn on the thread that runs its event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .drawings.drawing import Drawing
from .drawings.images import ImageDrawing
from .feeds.feed import LiveFeed
from .feeds.images import ImageFeed
from .plot import LivePlot
from .status import LiveStatus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Seconds that the event loop runs between two looks at the state, in `wait`.
STEP = 0.05
# Seconds to wait for a drawing: windows that are hidden may not be drawn at all.
MAX_DRAWING = 2.0


class LiveWindow(LivePlot):
    """A live plot in a window of matplotlib; its `figure` can be changed as any other.

    A timer of the window takes what is new from the feed, so that all drawing happens on the thread
    of the window. Backends without windows (Agg) have no timer: call `refresh` or `wait`.
    """

    def __init__(
        self,
        feed: LiveFeed[Any],
        draw: Callable[[Figure], Drawing[Any]],
        *,
        label: str,
        max_rate: float,
    ) -> None:
        from matplotlib import pyplot

        self._feed = feed
        self._closed = False
        self._drawn: LiveStatus | None = None
        self.figure: Figure = pyplot.figure(num=None, layout="constrained")
        canvas = self.figure.canvas
        self._drawing = draw(self.figure)
        self._has_window = getattr(canvas, "required_interactive_framework", None) is not None
        canvas.mpl_connect("close_event", lambda _: self._end())
        canvas.mpl_connect("draw_event", lambda _: self._on_drawn())
        # When a drawing was requested that has not been done; 0 if there is none.
        self._requested_at = 0.0
        if canvas.manager is not None:
            canvas.manager.set_window_title(label)
        self._timer = canvas.new_timer(interval=max(10, round(1000 / max_rate)))
        self._timer.add_callback(self.refresh)

    def open(self) -> None:
        """Begin to show what is new."""
        self.refresh()
        self._timer.start()
        if self._has_window:
            self.figure.show()

    def refresh(self) -> bool:
        """Show what is new; return whether there was anything. Call it on the main thread."""
        if self._closed:
            return False
        if self._requested_at and time.monotonic() - self._requested_at < MAX_DRAWING:
            # Some event loops draw only when nothing else is to be done, such as other plots.
            return True
        content = self._feed.take()
        if content is not None:
            self._drawing.update(content)
        status = self._feed.status
        if content is None and status == self._drawn:
            return False
        self._drawn = status
        self._drawing.show_status(status)
        self._requested_at = time.monotonic()
        self.figure.canvas.draw_idle()
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Run the event loop until the stream has ended and all is drawn, or the window is closed.

        Call it on the main thread; see `LivePlot.wait`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._closed:
            if not self.refresh() and self._feed.is_over:
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            self.figure.canvas.start_event_loop(STEP)
        return True

    def savefig(self, file: Any, **options: Any) -> None:
        """Save what is shown now; see `LivePlot.savefig`."""
        self._requested_at = 0.0
        self.refresh()
        self.figure.savefig(file, **options)

    def close(self) -> None:
        """End the subscription, and close the window."""
        from matplotlib import pyplot

        if self._closed:
            return
        self._end()
        pyplot.close(self.figure)

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        self._feed.close()

    def _on_drawn(self) -> None:
        if self._closed or self.figure.canvas.is_saving():
            return
        self._requested_at = 0.0
        # Only what was drawn has a size.
        self._aim()

    def _aim(self) -> None:
        """Request the part of the image that the axes show, in their resolution."""
        feed, drawing = self._feed, self._drawing
        if isinstance(feed, ImageFeed) and isinstance(drawing, ImageDrawing):
            feed.look_at(drawing.visible, drawing.canvas)
