"""The examples in the client's docstrings, run against a real server."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import pkgutil
import secrets
from collections.abc import Iterator

import numpy as np
import pytest

import tiled_client
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import from_uri

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples() -> Iterator[doctest.DocTest]:
    """Every docstring of the client that shows how to do something."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in pkgutil.walk_packages(tiled_client.__path__, "tiled_client."):
        for found in finder.find(importlib.import_module(module.name)):
            if found.examples:
                yield found


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_an_example_does_what_it_says(example: doctest.DocTest, server: RunningServer) -> None:
    """Examples have a container `client` of their own, and in it an array `x` of 1, 2 and 3."""
    client = from_uri(server.uri, API_KEY).create_container(f"t{secrets.token_hex(6)}")
    x = client.write_array(np.array([1, 2, 3]), key="x")
    example.globs = {"client": client, "x": x, "np": np, "numpy": np, "asyncio": asyncio}
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(example, out=said.append)
    assert runner.failures == 0, "".join(said)
