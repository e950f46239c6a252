"""Lines in a figure of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..feeds.lines import Lines
from .drawing import Drawing
from .thinning import thinned

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

# Up to this many points, each of them is marked.
MARKED = 100


class LineDrawing(Drawing[Lines]):
    """Lines with a legend. The axes follow the data, unless a user has zoomed."""

    _lines: tuple[Line2D, ...] = ()
    _content: Lines | None = None

    def update(self, content: Lines) -> None:
        """Show lines."""
        if not content.count:
            return
        self._content = content
        if not self._lines:
            self._lines = self._create(content)
        self._set_points()
        for line in self._lines:
            line.set_marker("." if content.count <= MARKED else "")
        self.axes.relim()
        self.axes.autoscale_view()

    def _create(self, content: Lines) -> tuple[Line2D, ...]:
        # The first points decide whether an axis has times.
        lines = tuple(
            self.axes.plot(content.abscissa[:1], y[:1], label=name, linewidth=1.2)[0]
            for name, y in content.y.items()
        )
        self.axes.set_xlabel(content.x_label)
        self.axes.grid(alpha=0.3)
        if len(lines) > 1:
            self.axes.legend(loc="upper left")
        else:
            self.axes.set_ylabel(next(iter(content.y)))
        self.axes.callbacks.connect("xlim_changed", lambda _: self._zoomed())
        return lines

    def _set_points(self) -> None:
        content = self._content
        assert content is not None
        x = content.abscissa
        limits = None if self.axes.get_autoscalex_on() else self.axes.get_xlim()
        for line, y in zip(self._lines, content.y.values(), strict=True):
            line.set_data(*thinned(x, y, limits))

    def _zoomed(self) -> None:
        """Draw the part that a user looks at from all of its points."""
        if not self.axes.get_autoscalex_on():
            self._set_points()
