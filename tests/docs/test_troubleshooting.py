"""The page on troubleshooting has all errors of the client, and all codes of the server."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tiled_client
from catalog.api.schema.error_responses import meanings
from tests.servers import PROJECT
from tiled_client import FailureCause
from tiled_client.http import error_responses, network_errors
from tiled_client.stream.protocol.close_codes import FINAL_CODES

PAGE = (PROJECT / "docs" / "how-to" / "troubleshooting.md").read_text()
CLIENT = Path(tiled_client.__file__).parent
SERVER = ["core", "access", "catalog", "streaming", "tiledproject"]
PUBLIC = {
    name: value
    for name in tiled_client.__all__
    if isinstance(value := getattr(tiled_client, name), type) and issubclass(value, Exception)
}
# Modules with sentences about responses and the network, in whatever statement.
SENTENCES = [Path(str(module.__file__)) for module in (error_responses, network_errors)]
# Defects of a server, which users meet as one: there is nothing else to do about each.
OF_OTHER_SERVERS = "InvalidResponse"


def template(node: ast.expr) -> list[str]:
    """Return the constant parts of a text; its values are between them."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return [text for part in parts for text in (template(part) or [""])]
    return []


def raised(path: Path) -> Iterator[list[str]]:
    """Yield the sentences of public errors in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            name = node.func.id
            if name in PUBLIC and name != OF_OTHER_SERVERS:
                yield template(node.args[0])


def described(path: Path) -> Iterator[list[str]]:
    """Yield all texts of a module that are sentences."""
    tree = ast.parse(path.read_text())
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in inner | documentation:
            parts = template(node)
            if re.search(r"[a-z] [a-z].*\.$", "".join(parts)):
                yield parts


SAID = [
    *(parts for path in CLIENT.rglob("*.py") for parts in raised(path)),
    *(parts for path in SENTENCES for parts in described(path)),
]


@pytest.mark.parametrize("parts", SAID, ids=lambda parts: "...".join(parts)[:60])
def test_a_sentence_of_the_client_is_on_the_page(parts: list[str]) -> None:
    fragments = [part for part in parts if len(part.split()) > 1]
    pattern = ".*".join(re.escape(fragment.strip()) for fragment in fragments)
    assert re.search(pattern, PAGE), pattern


def test_classes_causes_and_codes_are_on_the_page() -> None:
    codes = {
        code
        for package in SERVER
        for path in (PROJECT / package).rglob("*.py")
        for code in re.findall(r'\bcode="(\w+)"', path.read_text())
    }
    assert {"node_exists", "node_replaced", "not_empty", "managed_data"} <= codes
    wanted = {
        *(f"`{name}`" for name in PUBLIC if name != "TiledClientError"),
        *(f"`{code}`" for code in codes),
        *(f"| `{cause}` |" for cause in FailureCause),
    }
    assert not {each for each in wanted if each not in PAGE}
    numbers = {*meanings(), *FINAL_CODES, 1000, 1009, 1011, 1012, 1013, 4029, 500}
    assert not {number for number in numbers if not re.search(rf"\b{number}\b", PAGE)}
