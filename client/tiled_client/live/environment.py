"""Where live plots are shown: as widgets of a notebook, or in windows of matplotlib."""

from __future__ import annotations

import sys
from typing import Any, Literal

from ..optional import require_package

Backend = Literal["auto", "jupyter", "matplotlib"]
SUBJECT = "Live plots"


def choose_backend(backend: Backend) -> Literal["jupyter", "matplotlib"]:
    """Return where to show a plot, and import what it needs there.

    Raises
    ------
    ValueError
        If there is no such backend.
    ImportError
        If a package of the extra is not installed.
    """
    if backend not in ("auto", "jupyter", "matplotlib"):
        raise ValueError(f"backend must be 'auto', 'jupyter' or 'matplotlib', not {backend!r}")
    require_package("matplotlib", "live", subject=SUBJECT)
    if backend == "matplotlib" or (backend == "auto" and not is_notebook()):
        return "matplotlib"
    require_package("anywidget", "live", subject=f"{SUBJECT} in notebooks")
    return "jupyter"


def is_notebook() -> bool:
    """Return whether this is the kernel of a notebook, which can show widgets."""
    return getattr(_shell(), "kernel", None) is not None


def _shell() -> Any:
    """Return IPython's shell, or None."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
