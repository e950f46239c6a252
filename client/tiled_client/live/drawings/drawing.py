"""What a live plot draws into a figure of matplotlib: in a window, or as a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from ..status import LiveStatus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

C = TypeVar("C")

TITLE_SIZE = 10


class Drawing(ABC, Generic[C]):
    """Draws contents into a figure. All calls come from one thread."""

    def __init__(self, figure: Figure, label: str) -> None:
        self.figure = figure
        self.label = label
        self.axes: Axes = figure.add_subplot()

    @abstractmethod
    def update(self, content: C) -> None:
        """Change the figure to show this content; it is drawn later."""

    def show_status(self, status: LiveStatus) -> None:
        """Change the title."""
        self.axes.set_title(f"{self.label}: {status}", fontsize=TITLE_SIZE)
