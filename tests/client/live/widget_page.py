"""A widget of this process in a real browser: its messages go to the page, and the other way."""

from __future__ import annotations

import base64
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comm
from comm.base_comm import BaseComm
from playwright.sync_api import Page

from tiled_client.live.notebook.plot import NotebookPlot
from tiled_client.live.notebook.widget import BUNDLE

PATIENCE = 60
PAGE = "<!doctype html><title>notebook</title><style>body { background: %s }</style><div id=cell>"
# What a notebook does for a widget: a model with a state, which sends and receives messages.
HOST = """
async ([source, state]) => {
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const widget = (await import(url)).default;
  const callbacks = [];
  const model = {
    get: (name) => (name === "picture" ? bytes(state.picture) : state[name]),
    on: (event, callback) => callbacks.push(callback),
    off: () => {},
    send: (content) => window.toKernel(content),
  };
  window.toWidget = (content, buffers) => {
    for (const each of callbacks) each(content, buffers.map(bytes));
  };
  await widget.initialize({ model });
  await widget.render({ model, el: document.getElementById("cell") });
}
"""


class PageComm(BaseComm):
    """A comm whose messages are queued until the test passes them on to the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: queue.Queue[tuple[dict[str, Any], list[Any]]] = queue.Queue()
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, **message: Any) -> None:
        """Queue a message of the widget itself; its state is read at the start."""
        data = message.get("data") or {}
        if data.get("method") == "custom":
            self.sent.put((data["content"], message.get("buffers") or []))


@contextmanager
def page_comms() -> Iterator[None]:
    """Have widgets made in this block use comms of this module."""
    before = comm.create_comm
    comm.create_comm = PageComm
    try:
        yield
    finally:
        comm.create_comm = before


class WidgetPage:
    """A page that shows a widget."""

    def __init__(self, page: Page, plot: NotebookPlot, background: str = "white") -> None:
        self.page = page
        self.plot = plot
        self.passed = 0
        page.set_content(PAGE % background)
        page.add_style_tag(content=(BUNDLE / "widget.css").read_text())
        page.expose_function("toKernel", self._receive)
        names = ("key", "kind", "label", "look", "interval", "picture")
        state = {name: getattr(plot.widget, name) for name in names}
        state["picture"] = base64.b64encode(state["picture"]).decode()
        page.evaluate(HOST, [(BUNDLE / "widget.js").read_text(), state])

    @property
    def queued(self) -> int:
        """The number of messages that the page has not been given."""
        return self.plot.widget.comm.sent.qsize()  # type: ignore[no-any-return]

    def pass_on(self) -> None:
        """Pass the queued messages on to the page, whose replies are handled meanwhile."""
        while self.queued:
            content, buffers = self.plot.widget.comm.sent.get()
            texts = [base64.b64encode(each).decode() for each in buffers]
            self.page.evaluate(
                "([content, buffers]) => toWidget(content, buffers)", [content, texts]
            )
            self.passed += content["type"] != "status"

    def until(self, condition: Callable[[], bool]) -> None:
        """Pass messages on until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.status
            self.pass_on()
            self.page.wait_for_timeout(10)

    @property
    def status(self) -> str:
        """The text of the widget's status line."""
        return self.page.locator(".live-status").inner_text()

    def _receive(self, content: dict[str, Any]) -> None:
        message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
        self.plot.widget._handle_msg(message)
