"""Runs the scripts named on standard input one after the other; the client is imported once."""

import json
import runpy
import sys

import installed  # noqa: F401

print("ready", flush=True)
while line := sys.stdin.readline():
    sys.argv = json.loads(line)
    runpy.run_path(sys.argv[0], run_name="__main__")
    print("done", flush=True)
