"""Cost of an import, and the public names."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest

import tiled_client
from tiled_client import errors
from tiled_client._lazy_exports import read_stub

RENAMED = {
    "Registry": "CallbackRegistry",
    "RequestRefused": "RequestRejected",
    "ServerFailure": "ServerError",
    "UnreadableAnswer": "InvalidResponse",
}
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


def test_the_wire_format_loads_nothing_of_the_client() -> None:
    statement = "import tiled_client.wire.messages, tiled_client.wire.data_sources"
    loaded = f"{statement}\nassert not [m for m in sys.modules if m.startswith('tiled_client.s')]"
    assert after(loaded)["loaded"] == ["numpy"]


@pytest.mark.parametrize("name", tiled_client.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tiled_client, name).__name__ == name if name[0] != "_" else True


def test_the_stub_is_the_only_list_of_names() -> None:
    """Whatever a type checker reads in the stub exists, from where the stub says."""
    stub = read_stub(f"{tiled_client.__file__}i")
    assert set(tiled_client.__all__) == set(stub) - set(RENAMED)
    for name, (module, defined) in stub.items():
        if name not in RENAMED:
            home = importlib.import_module(f"tiled_client.{module}")
            assert getattr(tiled_client, name) is getattr(home, defined)


def test_dir_lists_names_that_are_not_loaded_yet() -> None:
    assert set(tiled_client.__all__) <= set(dir(tiled_client))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = tiled_client.nope


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_renamed_name_still_works_with_a_warning(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"tiled_client.{old} is deprecated.*use {new}"):
        value = getattr(tiled_client, old)
    assert value is getattr(tiled_client, new)


@pytest.mark.parametrize("old", ["UnreadableAnswer", "ServerFailure", "RequestRefused"])
def test_a_renamed_error_is_still_importable_from_its_module_with_a_warning(old: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"errors.{old} is deprecated") as caught:
        exec(f"from tiled_client.errors import {old} as found", namespace := {})
    assert namespace["found"] is getattr(errors, RENAMED[old])
    assert caught[0].filename == "<string>", "the warning points at the line that imports"
