"""The help of the public names: sections in numpydoc that agree with the signatures."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import jedi
import pytest

import tiled_client
from tiled_client.docstrings import sections
from tiled_client.http.operations import OperationMethod
from tiled_client.public_surface import is_public

STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
# The methods that a first look at the client uses have examples.
WITH_EXAMPLES = {
    "Container": (
        "create_container write_array write_table write_sparse write_ragged write_awkward tree "
        "create_appendable_table write_xarray search sort distinct keys values items search_deep "
        "subscribe updates register"
    ),
    "Node": (
        "update_metadata replace_metadata patch_metadata metadata_copy delete refresh export "
        "data_sources close_stream"
    ),
    "ArrayClient": "read read_block write write_block patch subscribe updates",
    "TableClient": "read read_arrow read_rows head tail append write",
    "Subscription": "start updates wait",
}


def callables() -> Iterator[tuple[str, Any]]:
    """All public functions, and methods of public classes, each once."""
    found: dict[Any, str] = {}
    for name in tiled_client.__all__:
        value = getattr(tiled_client, name)
        if inspect.isfunction(value):
            found.setdefault(value, name)
        for member in dir(value) if inspect.isclass(value) else ():
            method = function_of(inspect.getattr_static(value, member))
            is_own = inspect.isfunction(method) and method.__module__.startswith("tiled_client")
            if is_own and is_public(member) and not member.startswith("_"):
                found.setdefault(method, f"{name}.{member}")
    for function, name in found.items():
        yield name, function


def function_of(member: Any) -> Any:
    if isinstance(member, OperationMethod):
        return member.steps
    return member.__func__ if isinstance(member, (classmethod, staticmethod)) else member


def documented(section: str) -> list[str]:
    lines = (line for line in section.splitlines() if line and not line[0].isspace())
    return [name.strip() for line in lines for name in line.split(",")]


CALLABLES = dict(callables())


@pytest.mark.parametrize("name", CALLABLES)
def test_the_sections_agree_with_the_signature(name: str) -> None:
    function = CALLABLES[name]
    text, found = sections(function.__doc__)
    assert text.partition("\n")[0].endswith(".")
    signature = inspect.signature(function)
    parameters = [
        f"{STARS.get(each.kind, '')}{each.name}"
        for each in signature.parameters.values()
        if each.name not in ("self", "cls")
    ]
    assert documented(found.get("Parameters", "")) == parameters
    assert ("Returns" in found) == (str(signature.return_annotation) != "None")


@pytest.mark.parametrize("name", [name for name in tiled_client.__all__ if name[0] != "_"])
def test_every_name_has_help_with_types_as_they_are_written(name: str) -> None:
    value = getattr(tiled_client, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value) or issubclass(value, tiled_client.Node):
        assert ": 'str" not in pydoc.plain(pydoc.render_doc(value))


@pytest.mark.parametrize("kind", WITH_EXAMPLES)
def test_the_main_methods_have_examples(kind: str) -> None:
    for name in WITH_EXAMPLES[kind].split():
        member = inspect.getattr_static(getattr(tiled_client, kind), name)
        assert "Examples" in sections(member.__doc__)[1], name


def test_editors_complete_the_result_of_from_uri() -> None:
    code = 'from tiled_client import from_uri\nclient = from_uri("http://localhost:8000")\nclient.'
    found = {each.name for each in jedi.Script(code).complete(3, len("client."))}
    assert {"write_array", "search", "tree", "subscribe", "metadata"} <= found
