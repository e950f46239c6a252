"""A beamline: a RunEngine writes runs of all kinds to a catalog, the last one step by step."""

import json
import logging
import sys
from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
from bluesky import RunEngine
from bluesky_tiled_plugins import TiledWriter
from installed import from_uri
from ophyd.sim import det, det1, direct_img, motor, motor1
from ophyd_async.core import StaticPathProvider, UUIDFilenameProvider, init_devices
from ophyd_async.sim import PatternGenerator, SimBlobDetector
from tiled.structures.core import Spec

uri, api_key, key, folder, log = sys.argv[1:]
catalog = [Spec("CatalogOfBlueskyRuns", "3.0")]
runs = from_uri(uri, api_key=api_key).create_container(key, specs=catalog)
RE = RunEngine()
RE.subscribe(TiledWriter(runs, batch_size=1))
documents = []
RE.subscribe(lambda name, doc: documents.append((name, doc)))
path = StaticPathProvider(UUIDFilenameProvider(), Path(folder))
with init_devices():
    camera = SimBlobDetector(path, pattern_generator=PatternGenerator())
logging.getLogger("bluesky").setLevel(logging.CRITICAL)


@bpp.run_decorator(md={"plan_name": "broken"})
def broken():
    yield from bps.trigger_and_read([det])
    raise RuntimeError("The beam is off.")


@bpp.run_decorator(md={"plan_name": "slow", "sample": "Fe"})
def slow():
    for position in range(4):
        yield from bps.mv(motor, position)
        yield from bps.trigger_and_read([det1, motor])
        if position == 1:
            print("two events", flush=True)
            input()


RE(bp.count([det], 3, md={"sample": "Ni"}))
RE(bpp.baseline_wrapper(bp.scan([det1], motor, -1, 1, 5, md={"sample": "Cu"}), [motor1]))
Path(log).write_text(json.dumps(documents))
RE(bp.count([camera, direct_img, det], 3))
try:
    RE(broken())
except RuntimeError as error:
    print(error, flush=True)
RE.md["scan_id"] = 0
RE(bp.count([det], 1, md={"sample": "Fe"}))
print("written", flush=True)
input()
RE(slow())
