"""The public names of the client, with what their docstrings say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import tiled_client
from tiled_client.bluesky import Writer
from tiled_client.http.operations import OperationMethod
from tiled_client.public_surface import is_public
from tiled_client.settings import HttpOptions, StreamOptions, WriterOptions

from .markdown import code, first_sentence, table

CLASSES = [
    tiled_client.Node,
    tiled_client.Container,
    tiled_client.ArrayClient,
    tiled_client.TableClient,
    tiled_client.SparseClient,
    tiled_client.RaggedClient,
    tiled_client.AwkwardClient,
    tiled_client.BytesClient,
    tiled_client.DaskArrayClient,
    tiled_client.DaskTableClient,
    tiled_client.DaskSparseClient,
    tiled_client.DatasetClient,
    tiled_client.CatalogOfBlueskyRuns,
    tiled_client.BlueskyRun,
    tiled_client.BlueskyEventStream,
    Writer,
    tiled_client.MetadataRevisions,
    tiled_client.Subscription,
    tiled_client.Updates,
    tiled_client.StreamConnection,
    tiled_client.AsyncSubscription,
    tiled_client.AsyncUpdates,
    tiled_client.AsyncStreamConnection,
    tiled_client.IngestWriter,
    tiled_client.ArrayWriter,
    tiled_client.TableWriter,
    tiled_client.RaggedWriter,
    tiled_client.SparseWriter,
    tiled_client.AwkwardWriter,
    tiled_client.ContainerWriter,
    tiled_client.AsyncIngestWriter,
    tiled_client.AsyncArrayWriter,
    tiled_client.AsyncTableWriter,
    tiled_client.AsyncRaggedWriter,
    tiled_client.AsyncSparseWriter,
    tiled_client.AsyncAwkwardWriter,
    tiled_client.AsyncContainerWriter,
    tiled_client.CallbackRegistry,
    tiled_client.Cache,
]
UPDATES = [
    tiled_client.ArrayUpdate,
    tiled_client.ArrayReference,
    tiled_client.RegionUpdate,
    tiled_client.TableUpdate,
    tiled_client.TableReference,
    tiled_client.SparseUpdate,
    tiled_client.RaggedUpdate,
    tiled_client.AwkwardUpdate,
    tiled_client.ChildCreated,
    tiled_client.ChildMetadataUpdated,
    tiled_client.ChildDeleted,
]
NOTICES = [tiled_client.Gap, tiled_client.Reset, tiled_client.NodeClosed]


def names() -> Iterator[str]:
    """Return a row for each public name."""
    rows = [
        [code(name), first_sentence(getattr(tiled_client, name))]
        for name in tiled_client.__all__
        if not name.startswith("__")
    ]
    yield from table(["name", "what it is"], rows)


def classes() -> Iterator[str]:
    """Return a heading for each class that users hold, and a row for each public member."""
    for kind in CLASSES:
        yield f"### `{kind.__name__}`\n"
        rows = [
            [code(_written(name, _plain(member))), first_sentence(member)]
            for name, member in _own_members(kind)
            if _is_public(name, member)
        ]
        yield from table(["member", "what it does"], rows)
        yield ""


def updates() -> Iterator[str]:
    """Return a row for each kind of update, with its attributes."""
    yield from _told(UPDATES)


def notices() -> Iterator[str]:
    """Return a row for each other message, with its attributes."""
    yield from _told(NOTICES)


def _told(kinds: Sequence[type]) -> Iterator[str]:
    rows = []
    for kind in kinds:
        own = [field.name for field in fields(kind) if field.name != "origin"]
        own += [name for name, member in vars(kind).items() if isinstance(member, property)]
        methods = [f"{name}()" for name, member in vars(kind).items() if _is_method(name, member)]
        rows.append(
            [code(kind.__name__), first_sentence(kind), ", ".join(map(code, own + methods))]
        )
    yield from table(["class", "what happened", "attributes and methods"], rows)


def options() -> Iterator[str]:
    """Return a row for each option of subscriptions, writers and requests."""
    for kind in (StreamOptions, WriterOptions, HttpOptions):
        yield f"### `{kind.__name__}`\n"
        yield f"{first_sentence(kind)}\n"
        said = _attribute_docs(kind)
        defaults = kind()
        rows = [[code(f.name), code(getattr(defaults, f.name)), said[f.name]] for f in fields(kind)]
        yield from table(["option", "default", "meaning"], rows)
        yield ""


def _own_members(kind: type) -> Iterator[tuple[str, Any]]:
    """Return the members of a class, and of its bases without a public name."""
    parents = [parent for parent in kind.__mro__[1:] if parent in CLASSES]
    listed = {base for parent in parents for base in parent.__mro__}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("tiled_client") and base not in listed:
            yield from vars(base).items()


def _plain(member: Any) -> Any:
    return member.steps if isinstance(member, OperationMethod) else member


def _is_public(name: str, member: Any) -> bool:
    known = isinstance(member, (property, staticmethod, OperationMethod)) or inspect.isfunction(
        member
    )
    return known and not name.startswith("_") and is_public(name)


def _is_method(name: str, member: Any) -> bool:
    return inspect.isfunction(member) and not name.startswith("_")


def _written(name: str, member: Any) -> str:
    if not inspect.isfunction(member):
        return name
    parameters = list(inspect.signature(member).parameters.values())[1:]
    written = [text for p in parameters for text in _parameters(p, member)]
    return f"{name}({', '.join(written)})"


def _parameters(parameter: inspect.Parameter, function: Any) -> Iterator[str]:
    """Yield a parameter; for `**kwargs: Unpack[Fields]`, one for each key of the TypedDict."""
    fields = re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation))
    if fields is None:
        yield _parameter(parameter)
        return
    for field in sorted(function.__globals__[fields[1]].__optional_keys__):
        yield f"{field}=..."


def _parameter(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
    return f"{star}{parameter.name}{default}"


def _attribute_docs(kind: type) -> dict[str, str]:
    """Return the texts below the fields of a dataclass, by the field's name."""
    lines = [line.strip() for line in inspect.getsource(kind).splitlines()]
    pairs = pairwise(lines)
    return {
        line.partition(":")[0]: text.strip('"')
        for line, text in pairs
        if text.startswith('"""') and ":" in line and not line.startswith("class")
    }
