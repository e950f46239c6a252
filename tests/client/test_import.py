"""What a plain import costs."""

from __future__ import annotations

import json
import subprocess
import sys

PROBE = """
import json, sys, time
begun = time.process_time()
import numpy
numpy_done = time.process_time()
import tiled_client
done = time.process_time()
heavy = ["pandas", "pyarrow", "requests", "urllib3", "websockets", "msgpack", "django"]
print(json.dumps([numpy_done - begun, done - begun, [m for m in heavy if m in sys.modules]]))
"""


def probe() -> tuple[float, float, list[str]]:
    output = subprocess.run(
        [sys.executable, "-c", PROBE], check=True, capture_output=True, text=True
    ).stdout
    numpy_alone, everything, loaded = json.loads(output)
    return numpy_alone, everything, loaded


def test_importing_takes_under_300_ms_and_loads_nothing_that_is_not_needed_yet() -> None:
    # In processor time, and the best of several: the machine may be busy with other things.
    probes = [probe() for _ in range(3)]
    assert probes[0][2] == []
    assert min(everything for _, everything, _ in probes) < 0.3
