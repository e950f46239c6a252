"""A beamline: runs of a camera that saves TIFFs, written through an unmodified TiledWriter."""

import sys

import bluesky.plans as bp
from bluesky import RunEngine
from bluesky_tiled_plugins import TiledWriter
from installed import from_uri
from tiff_camera import TiffCamera

uri, key, folder = sys.argv[1:]
runs = from_uri(uri, api_key="secret").create_container(key)
camera = TiffCamera(folder)
for size in (1, 10_000):
    RE = RunEngine()
    RE.subscribe(TiledWriter(runs, batch_size=size))
    (uid,) = RE(bp.count([camera], 3))
    data = runs[uid]["primary"].read()["eye"]
    print(data.shape, data.values.reshape(len(data), -1)[:, 0].tolist(), flush=True)
    source = runs[uid]["primary"]["eye"].data_sources()[0]
    print(source.mimetype, str(source.management), len(source.assets), flush=True)
