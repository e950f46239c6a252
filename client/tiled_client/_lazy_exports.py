"""Lazy import of the names that a package's stub file lists (as scientific-python's `lazy_loader`).

The stub is the single list: type checkers read it as it is, and it is parsed here when the first
name is used, so that `import tiled_client` stays as cheap as an empty module.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple


class LazyExport(NamedTuple):
    """Where a public name is defined; the names differ if the public one is deprecated."""

    module: str
    name: str


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package that has a stub beside its `file`.

    `__all__` is an attribute like the others: it lists the names that are not deprecated.
    """

    @cache
    def exports() -> dict[str, LazyExport]:
        return read_stub(f"{file.removesuffix('c')}i")

    def load(attribute: str) -> Any:
        # Probed by the import system and by inspection; no reason to parse the stub.
        if attribute.startswith("__") and attribute != "__all__":
            raise AttributeError(f"module {package!r} has no attribute {attribute!r}")
        if attribute == "__all__":
            value: Any = sorted(public for public, (_, name) in exports().items() if public == name)
        elif attribute in exports():
            module, name = exports()[attribute]
            value = getattr(import_module(f".{module}", package), name)
            if attribute != name:
                # Not stored in the module: every use of a deprecated name warns.
                warn_renamed(f"{package}.{attribute}", name)
                return value
        else:
            raise AttributeError(f"module {package!r} has no attribute {attribute!r}")
        setattr(sys.modules[package], attribute, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *exports()})

    return load, list_names


def read_stub(path: str) -> dict[str, LazyExport]:
    """Return the names that a stub exports: its relative imports, and aliases of these."""
    import ast

    exports: dict[str, LazyExport] = {}
    with open(path, encoding="utf-8") as stub:
        tree = ast.parse(stub.read())
    for node in tree.body:
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=1):
                exports |= {alias.name: LazyExport(module, alias.name) for alias in names}
            case ast.Assign(targets=[ast.Name(id=old)], value=ast.Name(id=new)):
                exports[old] = exports[new]
    return exports


def warn_renamed(old: str, new: str) -> None:
    """Warn, at the line that uses the old name by attribute or import, that it was renamed."""
    warnings.warn(
        f"{old} is deprecated and will be removed in the next release: use {new}.",
        DeprecationWarning,
        stacklevel=3,
    )
