"""Watch runs while they are written, by the subscriptions of bluesky's client."""

import sys
import threading

import numpy as np
from bluesky_tiled_plugins.streaming import subscribe_to_streams
from installed import from_uri

uri, key, count = sys.argv[1:]
runs = from_uri(uri, api_key="secret")[key]
told = []
enough = threading.Event()


def on_update(update):
    told.append((update.data_keys, np.shape(update.data())))
    if len(told) == int(count):
        enough.set()


subscription = subscribe_to_streams(runs, on_update, streams=None)
print("watching", flush=True)
enough.wait(60)
subscription.disconnect()
for line in sorted({f"{' '.join(sorted(keys))} {shape}" for keys, shape in told}):
    print(line)
print(len(told))
