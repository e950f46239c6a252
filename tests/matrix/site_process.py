"""A process with a site of its own, which forks for each group: a crash ends only the fork.

It starts no thread before it forks. Run as `python -m tests.matrix.site_process`, it reads the name
of a group from each line of its input, and writes the outcomes of that group as a line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.forked_process import ChildFailed, forked

if TYPE_CHECKING:
    from .operations import Outcome

SECONDS = 60
# Loaded once, before the forks.
LIBRARIES = (
    *("awkward", "h5py", "numcodecs.blosc", "openpyxl", "PIL.Image", "pyarrow.compute"),
    *("pyarrow.csv", "pyarrow.parquet", "sparse", "tensorstore", "tifffile", "zarr"),
)


class Process:
    """The process, as the tests use it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def outcomes(self, case: str) -> list[dict[str, Any]]:
        """Return the outcome of each operation of a group."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{case}\n")
        self._process.stdin.flush()
        found: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def started(folder: Path, settings: dict[str, str]) -> Iterator[Process]:
    """Start the process; it ends with its input."""
    from tests.servers import PROJECT, environment

    surroundings = environment(
        folder,
        DJANGO_SETTINGS_MODULE="tiledproject.settings",
        PYTHONPATH=os.pathsep.join([str(PROJECT), str(PROJECT / "client")]),
        TILED_SINGLE_USER_API_KEY="secret",
        **settings,
    )
    with (folder / "stderr.log").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.matrix.site_process"],
            cwd=PROJECT,
            env=surroundings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with process:
            yield Process(process)
            assert process.stdin is not None
            process.stdin.close()


def main() -> None:
    """Run each group that standard input names, and write its outcomes."""
    import importlib

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print as well
    call_command("migrate", verbosity=0)
    for library in LIBRARIES:
        importlib.import_module(library)
    from catalog.models import Node

    _warm()
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    connections.close_all()
    for line in sys.stdin:
        found = outcomes_of(line.strip())
        print(json.dumps([asdict(outcome) for outcome in found]), file=answers, flush=True)


def _warm() -> None:
    """Load what each fork would have to load, without starting a thread."""
    import importlib
    import pkgutil

    from django.urls import get_resolver

    import access
    import catalog
    import streaming

    for package in (access, catalog, streaming):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in found.name and ".management" not in found.name:
                importlib.import_module(found.name)
    get_resolver().url_patterns  # noqa: B018
    importlib.import_module("tests.matrix.cases")


def outcomes_of(name: str) -> list[Outcome]:
    """Return all outcomes of a group; if a case ends the fork, use a fork for each case."""
    from .cases import groups, run
    from .operations import Outcome

    try:
        return forked(lambda: run(name), seconds=SECONDS)
    except ChildFailed:
        found: list[Outcome] = []
        for case in groups()[name][1]:
            try:
                found += forked(lambda case=case: run(name, case), seconds=SECONDS)
            except ChildFailed as error:
                found.append(Outcome(case, "all", "crash", str(error)))
        return found


if __name__ == "__main__":
    main()
