"""Run blocks of code, one JSON string per line, in one namespace: the terminal of a RunEngine."""

import json
import sys
import traceback

names = {"__name__": "__main__"}
print("ready", flush=True)
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "<beamline>", "exec"), names)
    except Exception:  # noqa: BLE001
        traceback.print_exc(file=sys.stdout)
    print("done", flush=True)
