"""What an import costs, and what it offers."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tiled_client

HEAVY = [
    "awkward",
    "django",
    "msgpack",
    "numpy",
    "pandas",
    "pyarrow",
    "ragged",
    "requests",
    "sparse",
    "urllib3",
    "websockets",
]


def after(statement: str) -> dict[str, Any]:
    """How long a statement takes in a new interpreter, and which heavy modules it loads."""
    program = (
        "import json, sys, time\nbegun = time.perf_counter()\n"
        f"{statement}\n"
        "seconds = time.perf_counter() - begun\n"
        f"print(json.dumps([seconds, [m for m in {HEAVY} if m in sys.modules]]))"
    )
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    seconds, loaded = json.loads(output.stdout)
    return {"seconds": seconds, "loaded": loaded}


def test_a_plain_import_takes_under_300_ms_and_loads_nothing_heavy() -> None:
    # The best of several: the machine may be busy with other things.
    tries = [after("import tiled_client") for _ in range(3)]
    assert tries[0]["loaded"] == []
    assert min(each["seconds"] for each in tries) < 0.3


def test_all_names_together_load_numpy_alone() -> None:
    assert after("from tiled_client import *")["loaded"] == ["numpy"]


def test_the_wire_vocabulary_loads_nothing_of_the_client() -> None:
    statement = "import tiled_client.wire.messages, tiled_client.wire.data_sources"
    loaded = f"{statement}\nassert not [m for m in sys.modules if m.startswith('tiled_client.s')]"
    assert after(loaded)["loaded"] == ["numpy"]


@pytest.mark.parametrize("name", tiled_client.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tiled_client, name).__name__ == name if name[0] != "_" else True


def test_type_checkers_are_told_of_the_same_names() -> None:
    source = ast.parse(Path(tiled_client.__file__).read_text())
    told = {
        (node.module, alias.name)
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    homes = {(module, name) for name, module in tiled_client._HOMES.items()}
    assert told == homes | {("version", "__version__")}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = tiled_client.nope


@pytest.mark.parametrize(("old", "new"), tiled_client._RENAMED.items())
def test_a_renamed_name_is_still_found_with_a_warning(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"is now tiled_client.{new}"):
        value = getattr(tiled_client, old)
    assert value is getattr(tiled_client, new)
