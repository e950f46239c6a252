"""The structure of the code: sizes, names, imports, and the words of its texts."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

from tests.servers import PROJECT
from tools.prose.__main__ import findings

PACKAGES = ("core", "access", "catalog", "streaming", "tiledproject", "web", "tiled_client")
MAX_MODULE_LINES = 330
MAX_FUNCTION_LINES = 45
TEMPLATE_TAG = re.compile(r"{% *(extends|include|static|load) +(.*?) *%}")
TAG_FILES = {
    "extends": "templates",
    "include": "templates",
    "static": "static",
    "load": "templatetags",
}
# Public classes of one name in two modules, and why.
SAME_NAMES = {
    # Events of the catalog, messages of the wire format, updates of the client.
    "ChildCreated",
    "ChildDeleted",
    "ChildMetadataUpdated",
    "NodeDeleted",
    # Models of the server, and what the client has of them.
    "Asset",
    "DataSource",
    "Node",
    "Revision",
    # The client's errors have the names of the server's.
    "BadRequest",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotAcceptable",
    "NotSupported",
    "Unauthorized",
    "Unavailable",
    "UnsupportedMedia",
    # Both ends of the streaming protocol, and of authentication.
    "Credentials",
    "Gap",
    "Position",
    "Reset",
    "SubscriptionOptions",
    "Tokens",
    # Django finds commands by this name.
    "Command",
}


def modules() -> Iterator[Path]:
    """All modules of the packages but migrations, which are generated."""
    for package in PACKAGES:
        folder = PROJECT / ("client/tiled_client" if package == "tiled_client" else package)
        for path in sorted(folder.rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text())


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function's docstring has."""
    return ast.get_docstring(node, clean=False).count("\n") + 1 if ast.get_docstring(node) else 0


def test_no_module_is_long() -> None:
    lengths = {path: path.read_text().count("\n") for path in modules()}
    too_long = {str(path): n for path, n in lengths.items() if n > MAX_MODULE_LINES}
    assert not too_long


def test_no_function_is_long() -> None:
    too_long = []
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1 - docstring_lines(node)
                if lines > MAX_FUNCTION_LINES:
                    too_long.append(f"{path}:{node.lineno} {node.name}: {lines} lines")
    assert not too_long


def test_no_two_public_classes_have_one_name() -> None:
    homes = defaultdict(list)
    for path in modules():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(PROJECT)))
    several = {name: paths for name, paths in homes.items() if len(paths) > 1}
    assert not {name: paths for name, paths in several.items() if name not in SAME_NAMES}
    assert several.keys() >= SAME_NAMES, "A name of SAME_NAMES is unique by now: remove it."


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False, cache_dir=None)
    imports = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    # Raises CycleError, which has the modules of a circle.
    TopologicalSorter(imports).prepare()


def test_templates_use_those_of_their_package_and_of_packages_below_it() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers: list[str] = contracts["contracts"][0]["layers"][::-1]
    files: dict[str, dict[str, str]] = {"templates": {}, "static": {}, "templatetags": {}}
    for package in layers:
        for kind, found in files.items():
            folder = PROJECT / package / kind
            for path in folder.rglob("*"):
                name = path.relative_to(folder)
                found[str(name if kind != "templatetags" else name.with_suffix(""))] = package
    used = 0
    for name, package in files["templates"].items():
        template = PROJECT / package / "templates" / name
        if template.suffix != ".html":
            continue
        for tag, argument in TEMPLATE_TAG.findall(template.read_text()):
            names = argument.split() if tag == "load" else [argument.split()[0].strip("\"'")]
            for one in names:
                owner = files[TAG_FILES[tag]].get(one)
                used += owner is not None
                assert owner is None or layers.index(owner) <= layers.index(package), (name, one)
    assert used > 20


def test_tools_import_neither_tests_nor_benchmarks() -> None:
    graph = grimp.build_graph("tools", include_external_packages=True, cache_dir=None)
    assert not graph.modules & {"tests", "benchmarks"}


def test_texts_use_no_banned_words() -> None:
    assert not list(map(str, findings([])))
