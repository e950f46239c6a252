"""Whether progress bars are shown: in a terminal or a notebook, unless they are turned off."""

from __future__ import annotations

import os
import sys

from ..interactive import in_notebook

VARIABLE = "TILED_PROGRESS"
OFF, ON = ("0", "false", "no", "off"), ("1", "true", "yes", "on")


def is_shown(setting: bool | None = None) -> bool:
    """Return whether to show bars: as `setting` or TILED_PROGRESS says, else where a person looks.

    Parameters
    ----------
    setting
        `HttpOptions.progress`.
    """
    if setting is not None:
        return setting
    chosen = os.environ.get(VARIABLE, "").lower()
    if chosen in OFF:
        return False
    return chosen in ON or in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
