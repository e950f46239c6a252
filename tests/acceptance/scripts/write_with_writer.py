"""A beamline whose RunEngine writes runs through this project's Writer, with a pause in the first.

With the number of runs 0, only what an earlier process has left is sent.
"""

import logging
import sys

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky import RunEngine
from ophyd.sim import det, motor

from tiled_client import from_uri
from tiled_client.bluesky import Writer

logging.getLogger("tiled_client").setLevel(logging.CRITICAL)
uri, api_key, key, spool, count = sys.argv[1:]
writer = Writer(from_uri(uri, api_key=api_key)[key], batch_size=1, spool=spool or None)
engine = RunEngine()
engine.subscribe(writer)


@bpp.run_decorator()
def scan(*, pauses):
    for position in range(10):
        yield from bps.mv(motor, position)
        yield from bps.trigger_and_read([det, motor])
        if position == 3 and pauses:
            print("four events", flush=True)
            input()


print("ready", flush=True)
for number in range(int(count)):
    engine(scan(pauses=not number))
    print("run", number, flush=True)
if spool:
    input()
writer.close(60)
print("sent", flush=True)
