"""Live plots in a notebook that a real kernel executes: what the saved notebook shows later."""

from __future__ import annotations

import base64
import io
import os
import sys
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import from_uri

WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = [
    """
import threading
import numpy as np
from tiled_client import from_uri, live

client = from_uri("{uri}", api_key="{key}")
frames = client.write_array(np.zeros((1, 32, 48), "uint16"), key="frames")
log = client.write_table({{"t": [0.0], "c": [0]}}, key="log")


def produce():
    for n in range(1, 101):
        frames.patch(np.full((1, 32, 48), n, "uint16"), offset=n, extend=True)
        log.append({{"t": [n / 2], "c": [n]}})
    frames.close_stream()
    log.close_stream()


producer = threading.Thread(target=produce)
""",
    "live.line(log, x='t', y='c')",
    "image = live.image(frames, limits=(0, 100))\nproducer.start()\nimage.wait(60)",
    "image.close()",
    "print(image.status.sequence, image.state)",
]


@pytest.fixture(scope="module")
def executed(server: RunningServer) -> Any:
    """Execute the notebook, and return it."""
    root = from_uri(server.uri, api_key=API_KEY).create_container()
    cells = [code.format(uri=root.uri, key=API_KEY) if "{" in code else code for code in CELLS]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    client.execute(env=environment)
    return notebook


def pixels(output: Any) -> Any:
    picture = base64.b64decode(output["data"]["image/png"])
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def test_a_plot_that_was_closed_is_a_picture_of_the_end(executed: Any) -> None:
    (output, result) = executed.cells[2].outputs
    assert result["data"]["text/plain"] == "True"
    assert output["data"]["text/plain"].endswith("frames ended, #101>") or "skipped" in str(output)
    assert WIDGET not in output["data"]
    # The last image has the largest value: the end of the colour map is the commonest colour.
    found, counts = np.unique(pixels(output).reshape(-1, 3), axis=0, return_counts=True)
    coloured = [tuple(one) for one in found[np.argsort(counts)] if len(set(one.tolist())) > 1]
    assert coloured[-1] == (253, 231, 36)
    assert executed.cells[4].outputs[0]["text"] == "101 ended\n"


def test_a_plot_that_was_not_closed_is_a_widget_and_a_picture(executed: Any) -> None:
    (output,) = executed.cells[1].outputs
    assert WIDGET in output["data"]
    assert pixels(output).shape[2] == 3
    assert "log ended, #101" in output["data"]["text/plain"], "the stream has ended meanwhile"
    models = executed.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    states = [each["state"] for each in models.values()]
    assert [each["kind"] for each in states if each.get("label") == "log"] == ["line"]
