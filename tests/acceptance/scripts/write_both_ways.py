"""The same documents through bluesky's TiledWriter and through this project's Writer.

One process with both clients. With `record`, a RunEngine and hand-made runs give the documents.
"""

import contextlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import tiled.client
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run

import tiled_client
from tiled_client.bluesky import Writer

warnings.simplefilter("ignore")
uri, api_key, key, folder, batch_size = sys.argv[1:]
documents = []


def record(name, document):
    """Keep a copy of a document, as it is at this time."""
    documents.append((name, json.loads(json.dumps(document, default=_plain))))


def _plain(value):
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else list(value)


def run_engine_takes_data():
    """Run plans with scalars, images in events, files of old and new kinds, and a baseline."""
    import bluesky.plan_stubs as bps
    import bluesky.plans as bp
    import bluesky.preprocessors as bpp
    from bluesky import RunEngine
    from ophyd.sim import SynSignalWithRegistry, det, det1, direct_img, motor, motor1
    from ophyd_async.core import StaticPathProvider, UUIDFilenameProvider, init_devices
    from ophyd_async.sim import PatternGenerator, SimBlobDetector

    engine = RunEngine()
    engine.subscribe(record)
    path = StaticPathProvider(UUIDFilenameProvider(), Path(folder))
    with init_devices():
        camera = SimBlobDetector(path, pattern_generator=PatternGenerator())
    old = SynSignalWithRegistry(
        func=lambda: np.arange(12.0).reshape(3, 4), name="old", save_path=folder, labels={"d"}
    )

    @bpp.stage_decorator([old])
    @bpp.run_decorator(md={"plan_name": "old files"})
    def old_files():
        for _ in range(3):
            yield from bps.trigger_and_read([old, det])

    @bpp.run_decorator(md={"plan_name": "broken", "tiled_specs": ["Broken"]})
    def broken():
        yield from bps.trigger_and_read([det])
        raise RuntimeError("The beam is off.")

    engine(bpp.baseline_wrapper(bp.scan([det1], motor, -1, 1, 5, md={"sample": "Cu"}), [motor1]))
    engine(bp.count([camera, direct_img, det], 3))
    engine(old_files())
    with contextlib.suppress(RuntimeError):
        engine(broken())


def odd_run():
    """Compose a run with what a RunEngine seldom has."""
    run = compose_run(metadata={"big": 2**60, "nothing": None, "nested": {"a": [1, 2.5, "x"]}})
    record("start", run.start_doc)
    keys = {
        "count": {"dtype": "integer", "shape": [], "source": "x"},
        "time": {"dtype": "number", "shape": [], "source": "x"},
        "name": {"dtype": "string", "shape": [], "source": "x"},
        "empty": {"dtype": "number", "shape": [], "source": "x"},
        "short": {"dtype": "array", "shape": [3], "source": "x", "dtype_numpy": "<i8"},
        "long": {"dtype": "array", "shape": [20], "source": "x", "dtype_numpy": "<f4"},
        "words": {"dtype": "array", "shape": [20], "source": "x", "dtype_numpy": "<U8"},
        "ragged": {"dtype": "array", "shape": [None], "source": "x", "dtype_numpy": "<f8"},
    }
    objects = {"device": list(keys)}
    settings = {"device": {"data": {"gain": 1}, "timestamps": {"gain": 0.0}, "data_keys": {}}}
    settings["device"]["data_keys"] = {"gain": {"dtype": "integer", "shape": [], "source": "x"}}
    stream = run.compose_descriptor(
        name="primary", data_keys=keys, object_keys=objects, configuration=settings
    )
    record("descriptor", stream.descriptor_doc)
    for number in range(4):
        data = {
            "count": number,
            "time": 0.5,
            "name": "n" * number,
            "empty": None,
            "short": [number, 1, 2],
            "long": [float(number)] * (20 if number != 2 else 18),
            "words": ["a", "b" * number] * 10,
            "ragged": [1.5] * number,
        }
        record("event", stream.compose_event(data=data, timestamps=dict.fromkeys(data, 1.0)))
        if number == 1:
            again = {**stream.descriptor_doc, "uid": f"again-{run.start_doc['uid']}"}
            again["configuration"] = {"device": {**settings["device"], "data": {"gain": 2}}}
            record("descriptor", again)
    other = run.compose_descriptor(
        name="pages",
        data_keys={"x": {"dtype": "number", "shape": [], "source": "x"}},
        object_keys={"device": ["x"]},
    )
    record("descriptor", other.descriptor_doc)
    page = {"data": {"x": [1.5, 2.5]}, "timestamps": {"x": [0.0, 1.0]}, "seq_num": [1, 2]}
    record("event_page", other.compose_event_page(**page, time=[0.0, 1.0]))
    record("stop", run.compose_stop())


run_engine_takes_data()
odd_run()
spec = ("CatalogOfBlueskyRuns", "3.0")
theirs = tiled.client.from_uri(uri, api_key=api_key)
ours = tiled_client.from_uri(uri, api_key=api_key)
top = ours.create_container(key)
top.create_container("original", specs=[tiled_client.Spec(*spec)])
top.create_container("ours", specs=[tiled_client.Spec(*spec)])
for writer in (
    TiledWriter(theirs[key]["original"], batch_size=int(batch_size)),
    Writer(top["ours"], batch_size=int(batch_size)),
):
    for name, document in json.loads(json.dumps(documents)):
        writer(name, document)
print("written", sum(name == "stop" for name, _ in documents), flush=True)
