"""Write one run of scalar readings; print the seconds that it took. In bluesky's environment."""

import logging
import sys
import time
import warnings

from event_model import compose_run

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
kind, uri, key, events, batch_size = sys.argv[1:]
names = [f"x{number}" for number in range(8)]
run = compose_run()
keys = {name: {"dtype": "number", "shape": [], "source": "x"} for name in names}
stream = run.compose_descriptor(name="primary", data_keys=keys, object_keys={"device": names})
documents = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
times = dict.fromkeys(names, 0.0)
for number in range(int(events)):
    data = dict.fromkeys(names, number + 0.5)
    documents.append(("event", stream.compose_event(data=data, timestamps=times)))
documents.append(("stop", run.compose_stop()))
if kind == "Writer":
    from tiled_client import from_uri
    from tiled_client.bluesky import Writer
else:
    from bluesky_tiled_plugins import TiledWriter as Writer
    from tiled.client import from_uri
runs = from_uri(uri, api_key=key).create_container()
writer = Writer(runs, batch_size=int(batch_size))
begun = time.perf_counter()
for name, document in documents:
    writer(name, document)
print(time.perf_counter() - begun)
