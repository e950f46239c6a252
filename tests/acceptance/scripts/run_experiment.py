"""A beamline: bluesky's RunEngine writes runs through an unmodified TiledWriter, and reads them."""

import sys
from pathlib import Path

import bluesky.plans as bp
from bluesky import RunEngine
from bluesky_tiled_plugins import TiledWriter
from installed import from_uri
from ophyd.sim import det, det1, motor
from ophyd_async.core import StaticPathProvider, UUIDFilenameProvider, init_devices
from ophyd_async.sim import PatternGenerator, SimBlobDetector
from tiled.queries import Eq

uri, key, folder = sys.argv[1:]
runs = from_uri(uri, api_key="secret").create_container(key)
RE = RunEngine()
RE.subscribe(TiledWriter(runs, batch_size=1))
documents = []
RE.subscribe(lambda name, doc: documents.append(name))
path = StaticPathProvider(UUIDFilenameProvider(), Path(folder))
with init_devices():
    camera = SimBlobDetector(path, pattern_generator=PatternGenerator())
print("ready to count", flush=True)
input()

(counted,) = RE(bp.count([det], 3, md={"sample": "Ni"}))
(scanned,) = RE(bp.scan([det1], motor, -1, 1, 5, md={"sample": "Cu"}))
del documents[:]
(imaged,) = RE(bp.count([camera], 3, md={"sample": "Ni"}))

for uid in (counted, scanned, imaged):
    run = runs[uid]
    data = run["primary"].read()
    shapes = {name: data[name].shape for name in sorted(data.data_vars)}
    print(run.start["plan_name"], run.stop["exit_status"], shapes, flush=True)
print(runs[scanned]["primary"]["motor"].read().tolist())
print([run.start["uid"] == scanned for run in runs.search(Eq("start.plan_name", "scan")).values()])
kept = [name for name, _ in runs[imaged].documents()]
print(sorted(set(kept)) == sorted(set(documents)), kept.count("event"), kept[0], kept[-1])
