"""An instrument writes files into a folder that is watched; somebody follows them live."""

from __future__ import annotations

import queue
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.servers import PROJECT, RunningServer, environment
from tiled_client import from_uri

PATIENCE = 30.0


def test_new_and_growing_files_appear_and_stream_by_themselves(
    server: RunningServer, readable: Path
) -> None:
    folder = readable / f"w{secrets.token_hex(4)}"
    folder.mkdir()
    client = from_uri(server.uri, api_key=server.api_key).create_container(folder.name)
    told: queue.Queue[Any] = queue.Queue()
    children = client.subscribe()
    children.child_created.add_callback(lambda update: told.put(update.key))
    children.start_in_thread(0)
    command = [sys.executable, "manage.py", "register", "--watch", str(folder)]
    settings = {**server.settings, "TILED_STORAGE_READABLE": str(readable)}
    with subprocess.Popen(
        [*command, "--under", folder.name],
        cwd=PROJECT,
        env=environment(server.folder, **settings),
        stdout=subprocess.PIPE,
        text=True,
    ) as watcher:
        assert watcher.stdout is not None
        try:
            assert watcher.stdout.readline().endswith(": 0 new.\n")
            watcher.stdout.readline()
            (folder / "day1").mkdir()
            tifffile.imwrite(folder / "day1" / "img_1.tif", np.full((2, 2), 1, "u1"))
            assert told.get(timeout=PATIENCE) == "day1"
            assert watcher.stdout.readline() == f"new: /{folder.name}/day1/img [1, 2, 2]\n"
            frames = client["day1"]["img"].subscribe()
            frames.new_data.add_callback(
                lambda update: told.put((update.offset, update.data().tolist()))
            )
            frames.start_in_thread(0)
            tifffile.imwrite(folder / "day1" / "img_2.tif", np.full((2, 2), 2, "u1"))
            assert told.get(timeout=PATIENCE) == ((1, 0, 0), [[[2, 2], [2, 2]]])
        finally:
            watcher.send_signal(signal.SIGINT)
        assert watcher.wait(PATIENCE) == 0
    children.disconnect()
    frames.disconnect()
