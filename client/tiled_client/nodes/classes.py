"""Which class the client object of a node has, by its specs and its structure family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from ..public_surface import show_types
from .entry_points import load_entry_point

StructureClients = str | Mapping[str, type[Any]]
"""A kind of client objects ("numpy", "dask"), or classes for some specs or structure families."""

NUMPY, DASK, ASYNCIO = "numpy", "dask", "asyncio"
KINDS = (NUMPY, DASK)
# In place of a family: the class for nodes of all other families.
ANY = ""

_by_family: dict[tuple[str, str], type[Any]] = {}
_by_spec: dict[tuple[str, str], tuple[str, type[Any]]] = {}
# Modules of classes for specs, imported when there is a node of the spec.
_deferred = {
    "CatalogOfBlueskyRuns": "tiled_client.bluesky",
    "BlueskyRun": "tiled_client.bluesky",
    "BlueskyEventStream": "tiled_client.bluesky",
}


def register_class(kind: type[Any], family: str, spec: str | None, clients: str) -> None:
    """Use a class for nodes of a family; with `spec`, only for those that declare it.

    Parameters
    ----------
    kind
        The class.
    family, spec
        The nodes that it is for.
    clients
        "numpy"; "dask" for a class with lazy reads, "asyncio" for one with coroutines.
    """
    if spec is None:
        _by_family[clients, family] = kind
    else:
        _by_spec[clients, spec] = family, kind


@show_types
def register_special_client(spec: str, kind: type[Any]) -> None:
    """Use a class for the client objects of all nodes that declare a spec.

    It replaces the class that this client has for the spec, also for the nodes of clients that
    exist already. `from_uri(uri, {spec: kind})` does the same for the nodes of one client.

    Parameters
    ----------
    spec
        The name of the spec.
    kind
        A subclass of the class of the nodes' structure family, such as `Container`; of
        `AsyncContainer` for the client for asyncio.

    Raises
    ------
    TypeError
        If `kind` is not a subclass of the class of a structure family.

    Examples
    --------
    >>> from tiled_client import Container, register_special_client
    >>> class Sample(Container):
    ...     @property
    ...     def formula(self):
    ...         return self.metadata["formula"]
    >>> register_special_client("Sample", Sample)
    >>> client.create_container("nickel", specs="Sample", metadata={"formula": "Ni"}).formula
    'Ni'
    """
    for base in kind.__mro__ if isinstance(kind, type) else ():
        for (clients, family), known in _by_family.items():
            if known is base and family != ANY:
                _load_deferred(spec)  # lest it replaces this class later
                register_class(kind, family, spec, clients)
                return
    raise TypeError(
        f"the class for the spec {spec!r} must be a subclass of a class of nodes with a structure "
        f"family, such as tiled_client.Container or tiled_client.ArrayClient, not {kind!r}"
    )


def find_class(structure_clients: StructureClients, family: str, specs: Iterable[str]) -> type[Any]:
    """Return the class for a node of this family and these specs."""
    own = {} if isinstance(structure_clients, str) else structure_clients
    # Lazy classes exist for some families only; those of asyncio for all.
    first = NUMPY if own else str(structure_clients)
    kinds = dict.fromkeys((first,) if first == ASYNCIO else (first, NUMPY))
    for spec in specs:
        if spec in own:
            return own[spec]
        found = _find_special_class(kinds, family, spec)
        if found is not None:
            return found
    if family in own:
        return own[family]
    found_classes = (_by_family.get((kind, name)) for name in (family, ANY) for kind in kinds)
    return next(each for each in found_classes if each is not None)


def _find_special_class(kinds: Iterable[str], family: str, spec: str) -> type[Any] | None:
    """Return the class for a spec: a registered one, or that of an entry point."""
    _load_deferred(spec)
    for kind in kinds:
        found = _by_spec.get((kind, spec))
        if found is not None and found[0] == family:
            return found[1]
    base = _by_family.get((NUMPY, family))
    if base is None or NUMPY not in kinds or (NUMPY, spec) in _by_spec:
        return None
    return load_entry_point(spec, base)


def _load_deferred(spec: str) -> None:
    """Import the module that registers the class for a spec; another thread waits for the same."""
    if spec in _deferred:
        import_module(_deferred[spec])
