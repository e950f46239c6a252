"""Live plots that follow real streams, drawn without a window."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot
import numpy as np
import pytest

from tests.client.cuttable_proxy import Line
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import from_uri, live

PATIENCE = 30


@pytest.fixture(autouse=True)
def _agg() -> Iterator[None]:
    matplotlib.use("agg", force=True)
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def root(server: RunningServer) -> Any:
    return from_uri(server.uri, api_key=API_KEY).create_container()


def until(plot: live.LivePlot, condition: Callable[[], bool]) -> None:
    """Run the plot's event loop until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, plot
        plot.wait(timeout=0.01)


def shown(plot: Any) -> Any:
    return plot.figure.axes[0].images[0].get_array()


def drawn(plot: Any) -> list[float]:
    lines = plot.figure.axes[0].lines
    return lines[0].get_ydata().tolist() if lines else []


def test_a_zoomed_image_is_read_in_full(root: Any) -> None:
    big = root.write_array(np.add.outer(np.arange(2000), np.arange(3000)).astype("uint16"))
    with live.image(big) as plot:
        until(plot, lambda: shown(plot).shape[0] < 1000)
        axes = plot.figure.axes[0]  # type: ignore[attr-defined]
        axes.set_xlim(100, 199)
        axes.set_ylim(149, 50)
        plot.figure.canvas.draw_idle()  # type: ignore[attr-defined]
        until(plot, lambda: shown(plot).shape == (100, 100))
        assert shown(plot)[0, 0] == 50 + 100
        left, right, bottom, top = plot.figure.axes[0].images[0].get_extent()  # type: ignore[attr-defined]
        assert (left, right, bottom, top) == (99.5, 199.5, 149.5, 49.5)
        # The stream of the part in view.
        big.write(np.full((2000, 3000), 7, "uint16"))
        until(plot, lambda: bool((shown(plot) == 7).all()))
        axes.set_xlim(-0.5, 2999.5)
        axes.set_ylim(1999.5, -0.5)
        plot.figure.canvas.draw_idle()  # type: ignore[attr-defined]
        until(plot, lambda: shown(plot).shape[0] > 100)


def test_an_image_that_is_written_in_parts_is_read(root: Any) -> None:
    scan = root.write_array(np.zeros((3, 4)), key="scan")
    with live.image(scan) as plot:
        for n in range(12):
            scan.patch(np.full((1, 1), n + 1.0), offset=divmod(n, 4))
        until(plot, lambda: bool((shown(plot).ravel() == np.arange(1, 13)).all()))
        scan.patch(np.full((1, 4), 9.0), offset=(3, 0), extend=True)
        until(plot, lambda: shown(plot).shape == (4, 4))


def test_images_that_are_streamed_and_not_stored_are_shown(root: Any) -> None:
    camera = root.write_array(np.zeros((8, 8, 3), "uint8"), key="camera")
    with live.image(camera) as plot:
        camera.write(np.full((8, 8, 3), 200, "uint8"), persist=False)
        until(plot, lambda: bool((shown(plot) == 200).all()))


def test_skipped_images_are_counted(root: Any) -> None:
    frames = root.write_array(np.zeros((4, 4)), key="frames")
    with live.image(frames, max_rate=1000) as plot:
        until(plot, lambda: plot.status.shown == 1)
        for n in range(20):
            frames.write(np.full((4, 4), float(n)))
        frames.close_stream()
        assert plot.wait(PATIENCE)
        assert shown(plot).max() == 19
        status = plot.status
        assert status.sequence == 21
        assert status.skipped >= 20 - status.shown


def test_a_line_is_replaced_and_appended_to(root: Any) -> None:
    spectrum = root.write_array(np.arange(4.0), key="spectrum")
    with live.line(spectrum, history=6) as plot:
        until(plot, lambda: drawn(plot) == [0, 1, 2, 3])
        spectrum.write(np.arange(4.0) * 10)
        until(plot, lambda: drawn(plot) == [0, 10, 20, 30])
        spectrum.patch(np.array([5.0]), offset=1)
        until(plot, lambda: drawn(plot) == [0, 5, 20, 30])
        for n in range(4, 12):
            spectrum.patch(np.array([float(n)]), offset=n, extend=True)
        until(plot, lambda: drawn(plot) == [6, 7, 8, 9, 10, 11])
        assert plot.figure.axes[0].lines[0].get_xdata().tolist() == list(range(6, 12))  # type: ignore[attr-defined]


def test_the_last_of_appended_spectra_is_the_line(root: Any) -> None:
    spectra = root.write_array(np.zeros((1, 3)), key="spectra")
    with live.line(spectra) as plot:
        until(plot, lambda: drawn(plot) == [0, 0, 0])
        spectra.patch(np.array([[1.0, 2.0, 3.0]]), offset=(1, 0), extend=True)
        until(plot, lambda: drawn(plot) == [1, 2, 3])


def test_rows_come_once_whether_read_streamed_or_replaced(root: Any) -> None:
    log = root.write_table({"t": [0, 1], "c": [5, 6], "name": ["a", "b"]}, key="log")
    with live.line(log) as plot:
        assert [one.get_label() for one in plot.figure.axes[0].lines] == ["t", "c"]  # type: ignore[attr-defined]
        log.append({"t": [2], "c": [7], "name": ["c"]})
        until(plot, lambda: drawn(plot) == [0, 1, 2])
        log.append({"t": [99], "c": [99], "name": ["x"]}, persist=False)
        until(plot, lambda: drawn(plot) == [0, 1, 2, 99])
        log.append({"t": [3], "c": [7], "name": ["c"]})
        until(plot, lambda: drawn(plot) == [0, 1, 2, 99, 3])
        log.write({"t": [8, 9], "c": [1, 1], "name": ["a", "b"]})
        until(plot, lambda: drawn(plot) == [8, 9])


def test_a_plot_shows_that_it_reconnects_and_goes_on(server: RunningServer) -> None:
    with Line(server.uri) as proxy:
        root = from_uri(server.uri, api_key=API_KEY).create_container()
        log = root.write_table({"c": [0]}, key="log")
        watched = from_uri(proxy.uri, api_key=API_KEY)[root.key]["log"]
        with live.table(watched, rows=3) as plot:

            def title() -> str:
                return plot.figure.axes[0].get_title()  # type: ignore[attr-defined, no-any-return]

            until(plot, lambda: title() == "log: live")
            proxy.is_down = True
            proxy.cut()
            until(plot, lambda: title() == "log: reconnecting ...")
            for n in range(1, 6):
                log.append({"c": [n]})
            proxy.is_down = False
            until(plot, lambda: title().startswith("log: live, #"))

            def numbers_and_counts() -> list[str]:
                cells = plot.figure.axes[0].tables[0]  # type: ignore[attr-defined]
                places = [(i, j) for (i, j) in cells.get_celld() if i > 0]
                return [cells[place].get_text().get_text() for place in sorted(places)]

            until(plot, lambda: numbers_and_counts() == ["3", "3", "4", "4", "5", "5"])
            log.close_stream()
            assert plot.wait(PATIENCE)
            assert plot.state == "ended"


def test_a_missing_package_is_named_with_its_extra(
    root: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = root.write_array(np.zeros((2, 2)), key="x")
    log = root.write_table({"a": [1]}, key="log")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match="Rows of tables require the package pandas: pip"):
            live.table(log)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    message = 'in notebooks require the package anywidget: pip install "tiled-client.live."'
    with pytest.raises(ImportError, match=message):
        live.image(x, backend="jupyter")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = 'Live plots require the package matplotlib: pip install "tiled-client.live."'
    with pytest.raises(ImportError, match=message):
        live.image(x)


def test_mistakes_are_refused_with_what_to_do(root: Any) -> None:
    x = root.write_array(np.zeros(3), key="x")
    log = root.write_table({"name": ["a"]}, key="log")
    with pytest.raises(ValueError, match=r"is not an image: use live\.line"):
        live.image(x)
    with pytest.raises(TypeError, match=r"live\.table shows a table, not <ArrayClient"):
        live.table(x)
    with pytest.raises(ValueError, match="the table has no column of numbers: name"):
        live.line(log)
    with pytest.raises(KeyError, match="there is no column 'nope': the columns are name"):
        live.line(log, y="nope")
    with pytest.raises(ValueError, match="backend must be 'auto', 'jupyter' or 'matplotlib'"):
        live.line(x, backend="qt")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cmap must be one of viridis, "):
        live.image(root.write_array(np.zeros((2, 2))), cmap="jet")
