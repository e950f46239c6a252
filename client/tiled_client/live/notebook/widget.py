"""The widget: the module and the style sheet that `npm run build` in web/tooling bundles."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

BUNDLE = Path(__file__).parent / "bundle"


class LiveWidget(anywidget.AnyWidget):
    """A live plot as a widget of anywidget; data are sent as messages, see `messages`.

    Its state is what a saved notebook needs: how it looks, and a picture of what was shown.
    """

    _esm = BUNDLE / "widget.js"
    _css = BUNDLE / "widget.css"

    key = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    look = traitlets.Dict().tag(sync=True)
    interval = traitlets.Float(50.0).tag(sync=True)
    picture = traitlets.Bytes(b"").tag(sync=True)
