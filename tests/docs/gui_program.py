"""Run the code of a page about graphical interfaces, and print what its windows show.

`gui_program.py PAGE ROLE URI KEY`: runs the blocks "python ROLE" of a page, in which `camera` is an
array in the container at URI, to which 20 images are appended meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from tiled_client import from_uri

PATIENCE_MS = 60_000


def main() -> None:
    page, role, uri, key = sys.argv[1:]
    text = (
        Path(page).read_text().replace("http://localhost:8000", uri).replace('"secret"', f'"{key}"')
    )
    blocks = re.findall(rf"^```python {role}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    camera = from_uri(uri, api_key=key)["camera"]
    application = QApplication.instance() or QApplication([])
    names: dict[str, Any] = {"__name__": role}
    exec(blocks[0], names)
    threading.Thread(target=produce, args=(camera,)).start()
    timer = QTimer()
    timer.timeout.connect(lambda: finish(names) if shown(names) == 20 else None)
    timer.start(50)
    QTimer.singleShot(PATIENCE_MS, application.quit)
    # Runs the event loop until `finish` closes the window.
    exec(blocks[1], names)
    timer.stop()
    report = {"shown": shown(names), "state": names["sub"].state}
    if len(blocks) > 2:
        exec(blocks[2], names)
        report["step"] = names["viewer"].dims.current_step[0]
        camera.patch(np.full((64, 96), 21.0), offset=21, extend=True)
        exec(blocks[3], names)
        report["images"] = names["layer"].data.shape[0]
        names["viewer"].close()
    print(json.dumps(report))


def produce(camera: Any) -> None:
    y, x = np.mgrid[:64, :96]
    for n in range(1, 21):
        spot = np.exp(-((x - 20 - 3 * n) ** 2 + (y - 32) ** 2) / 200)
        spot[0, 0] = 1
        camera.patch(n * spot / spot.max(), offset=n, extend=True)


def shown(names: dict[str, Any]) -> float:
    """Return the largest value of the image that is shown: the number of the image."""
    if "layer" in names:
        return float(np.round(np.max(names["layer"].data), 6))
    found = re.fullmatch(r"Maximum: (\d+)", names["label"].text())
    return float(found[1]) if found else 0.0


def finish(names: dict[str, Any]) -> None:
    if "viewer" not in names:
        names["label"].close()
        return
    if picture := os.environ.get("PICTURE"):
        names["viewer"].screenshot(picture, canvas_only=False, flash=False)
    names["viewer"].close()


main()
