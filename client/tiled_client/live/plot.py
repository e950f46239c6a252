"""A live plot, in a window or in a notebook."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import Any, Self

from .feeds.feed import LiveFeed
from .status import LiveState, LiveStatus


class LivePlot(ABC):
    """What `live.image`, `live.line` and `live.table` return: a plot that follows a stream.

    It continues by itself, also while the stream reconnects, which its title says. Close it, or use
    it as a context manager, when it is no longer needed.

    Examples
    --------
    >>> from tiled_client import live
    >>> with live.line(x) as plot:
    ...     x.close_stream()
    ...     plot.wait(timeout=10)
    ...     plot.state
    True
    'ended'
    """

    _feed: LiveFeed[Any]

    @property
    def node(self) -> Any:
        """The node that is shown."""
        return self._feed.node

    @property
    def status(self) -> LiveStatus:
        """The state, the number of the newest update, and how many were shown and skipped."""
        return self._feed.status

    @property
    def state(self) -> LiveState:
        """Return "connecting", "live", "reconnecting" or "ended"."""
        return self._feed.status.state

    @abstractmethod
    def open(self) -> None:
        """Show the plot; `live.image` and the others have done this already."""

    @abstractmethod
    def refresh(self) -> bool:
        """Show what is new; return whether there was anything.

        In a window and in a notebook this happens by itself. Call it on the main thread, where
        matplotlib has no window.
        """

    @abstractmethod
    def wait(self, timeout: float | None = None) -> bool:
        """Keep showing what is new until the stream has ended or the plot is closed.

        Parameters
        ----------
        timeout
            Seconds; None for no limit.

        Returns
        -------
        bool
            False after `timeout` seconds.
        """

    @abstractmethod
    def close(self) -> None:
        """End the subscription, and close the window."""

    @abstractmethod
    def savefig(self, file: Any, **options: Any) -> None:
        """Save what is shown now.

        Parameters
        ----------
        file
            A path, or a file object to write bytes to.
        **options
            Arguments of `matplotlib.figure.Figure.savefig`.
        """

    def snapshot(self) -> bytes:
        """Return a picture of what is shown now, as PNG.

        Examples
        --------
        >>> from tiled_client import live
        >>> with live.line(x) as plot:
        ...     plot.snapshot()[:4]
        b'\\x89PNG'
        """
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} /{'/'.join(self.node.path)} {self.status}>"
