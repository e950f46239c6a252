"""`check-config [FILE]`: all mistakes of a configuration, and whether its backends respond."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping

from core.program import program

from ..checks import GUESSABLE_KEY_ID, problems
from ..config.settings_model import Settings, read
from ..servers.startup_banner import is_loopback
from .reachability import Level, Result, backends


def check_config(arguments: list[str]) -> int:
    """Print the findings; return the exit status, 1 if a server would not start."""
    parser = argparse.ArgumentParser(
        prog=f"{program()} check-config",
        description="Check a configuration file, together with the environment: unknown and wrong "
        "settings, insecure ones, and whether the database, Redis and the storage can be used. "
        "Exits with 1 if a server would not start.",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="a YAML file ($TILED_CONFIG)")
    parser.add_argument(
        "--offline",
        action="store_true",
        help="do not connect to the database, Redis and the bucket",
    )
    options = parser.parse_args(arguments)
    use_file(options.file)
    found = list(findings(os.environ, connect=not options.offline))
    for result in found:
        print(f"{result.level}: {result.text}")
    counts = {level: sum(result.level is level for result in found) for level in Level}
    errors, warnings = counts[Level.error], counts[Level.warning]
    print(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}.")
    return 1 if errors else 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def use_file(file: str | None) -> None:
    """Make `file` the configuration file of this process, if it is given."""
    if file is not None:
        os.environ["TILED_CONFIG"] = file


def findings(environment: Mapping[str, str], *, connect: bool) -> Iterator[Result]:
    """Yield the results of all checks of a configuration."""
    reading = read(environment)
    for sentence in reading.problems:
        yield Result(Level.error, sentence)
    if reading.settings is None:
        return
    written = len(reading.origins)
    yield Result(Level.ok, f"{written} {'setting is' if written == 1 else 'settings are'} valid.")
    yield from _deployment(reading.settings)
    if connect:
        yield from backends(reading.settings)


def _deployment(site: Settings) -> Iterator[Result]:
    """Yield the findings of `check --deploy`; errors are those that stop a server."""
    for found in problems(site):
        if found.id in site.server.silenced_checks:
            continue
        # As at the start: on this machine alone any key will do.
        harmless = found.id == GUESSABLE_KEY_ID and is_loopback(site.server.host)
        serious = found.is_serious() and not (harmless and not site.server.tls)
        level = Level.error if serious else Level.warning
        yield Result(level, f"{found.msg} {found.hint} ({found.id})")
