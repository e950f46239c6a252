"""What is installed is locked: one version of each package, with hashes, as it was asked for."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import chain

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.servers import PROJECT

NAMES = ["requirements", "requirements-dev", "requirements-docs", "requirements-deploy"]
# Tools in environments of their own, without server and client.
TOOLS = {"requirements-docs", "requirements-deploy"}
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!]+)(?: ; .*)? \\\n    --hash=sha256:", re.M)


def asked_for(name: str) -> list[Requirement]:
    """What a file of requirements names, and what the client does."""
    lines = (PROJECT / f"{name}.txt").read_text().splitlines()
    named = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    if name in TOOLS:
        return named
    client = tomllib.loads((PROJECT / "client" / "pyproject.toml").read_text())
    return [*named, *map(Requirement, client["project"]["dependencies"])]


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_is_made_of_the_requirements_of_now(name: str) -> None:
    text = (PROJECT / f"{name}.lock").read_text()
    inputs = ["requirements.txt", f"{name}.txt", "client/pyproject.toml"]
    if name in TOOLS:
        inputs = [f"{name}.txt"]
    joined = b"".join((PROJECT / one).read_bytes() for one in inputs)
    digest = subprocess.run(["cksum"], input=joined, capture_output=True, check=True).stdout
    assert f"# inputs: {digest.decode().strip()}\n" in text, "run `make lock`"
    pins = PIN.findall(text)
    for wanted in asked_for(name):
        versions = [
            version
            for pinned, version in pins
            if canonicalize_name(pinned) == canonicalize_name(wanted.name)
        ]
        assert versions, f"{wanted} is not locked; run `make lock`"
        assert all(wanted.specifier.contains(one) for one in versions), wanted


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_has_nothing_of_the_machine_that_made_it(name: str) -> None:
    lines = (PROJECT / f"{name}.lock").read_text().splitlines()[2:]
    allowed = re.compile(r"[\w.\[\],-]+==[\w.+!]+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if allowed.fullmatch(line) is None] == []


def test_every_requirement_has_an_upper_bound() -> None:
    client = tomllib.loads((PROJECT / "client" / "pyproject.toml").read_text())
    extras = chain.from_iterable(client["project"]["optional-dependencies"].values())
    built = client["build-system"]["requires"]
    named = chain(*map(asked_for, NAMES), map(Requirement, chain(extras, built)))
    assert [str(one) for one in named if not _is_bounded(one.specifier)] == []


def _is_bounded(specifier: SpecifierSet) -> bool:
    return any(part.operator in {"<", "<=", "==", "~="} for part in specifier)
