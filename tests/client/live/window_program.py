"""Show nodes in windows while they are written, and print what the windows show at the end.

`window_program.py URI KEY`: writes 100 updates to `frames` and to `log` in the container at URI.
"""

from __future__ import annotations

import json
import sys
import threading

import matplotlib
import numpy as np

from tiled_client import from_uri, live

UPDATES = 100


def main() -> None:
    client = from_uri(sys.argv[1], api_key=sys.argv[2])
    frames = client.write_array(np.zeros((1, 32, 48), "uint16"), key="frames")
    log = client.write_table({"time": [0.0], "counts": [0]}, key="log")
    drawing_threads: set[bool] = set()
    image, line = live.image(frames, limits=(0, UPDATES)), live.line(log, x="time", y="counts")
    for plot in (image, line):
        plot.figure.canvas.mpl_connect(
            "draw_event",
            lambda _: drawing_threads.add(threading.current_thread() is threading.main_thread()),
        )

    def produce() -> None:
        for n in range(1, UPDATES + 1):
            frames.patch(np.full((1, 32, 48), n, "uint16"), offset=n, extend=True)
            log.append({"time": [n / 2], "counts": [n]})
        frames.close_stream()
        log.close_stream()

    producer = threading.Thread(target=produce)
    producer.start()
    ended = [image.wait(60), line.wait(60)]
    producer.join()
    (shown,) = image.figure.axes[0].images
    (drawn,) = line.figure.axes[0].lines
    report = {
        "backend": matplotlib.get_backend().lower(),
        "ended": ended,
        "titles": [plot.figure.axes[0].get_title() for plot in (image, line)],
        "on_main_thread": list(drawing_threads),
        "image": np.unique(shown.get_array()).tolist(),
        "x": drawn.get_xdata().tolist(),
        "y": drawn.get_ydata().tolist(),
        "shown": [image.status.shown, line.status.shown],
    }
    for plot in (image, line):
        plot.close()
    report["windows"] = matplotlib.pyplot.get_fignums()
    print(json.dumps(report))


main()
