"""Operations on external files, which run in confined processes.

Each operation takes and returns plain data. Neither this module nor any format runs in the server
process (on Linux).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import wraps
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from PIL import Image

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

from ..bucket_files import access
from ..bucket_files.broker import BrokeredAccess
from ..bucket_files.paths import parse_path
from ..confined.messages import Buffer
from ..confined.reader import Operation, OperationSession, ReaderRequest, Reply
from ..encoding import Array
from .conversion import convert
from .error_translation import translate_errors
from .formats import Tree
from .local_trees import open_local_tree
from .readers import decode_sources
from .registry import format_of, inspected_by, load, register
from .rows import FilePartition, iter_file_rows
from .uris import keep_private

# Minimum bytes of rows per reply, if there are more rows.
MAX_REPLY_BYTES = 1 << 20
LAZY_MODULES = (
    "hdf5plugin",
    "imagecodecs",
    "openpyxl",
    "pandas",
    "zarr",
    f"{__package__}.zarr_files.object_store",
    f"{__package__}.zarr_files.store",
)

Kept = TypeVar("Kept", bound=OperationSession)


def prepare(arguments: Mapping[str, Any]) -> None:
    """Import all formats, and the modules that they import lazily."""
    keep_private([parse_path(path) for path in arguments["private"]])
    register(*map(load, arguments["adapters"]))
    _import_lazy_modules()


class OpenTree:
    """A session: a tree that stays open between requests."""

    def __init__(self, request: ReaderRequest) -> None:
        self._stack = ExitStack()
        sources = decode_sources(request.arguments)
        self.tree: Tree = self._stack.enter_context(
            open_local_tree(request.arguments["mimetype"], sources)
        )

    def close(self) -> None:
        """Close the file."""
        self._stack.close()


class OpenRows:
    """A session: rows that are returned chunk by chunk, `delivered` of them so far."""

    def __init__(self, pieces: Iterator[pa.Table], delivered: int, stack: ExitStack) -> None:
        self._pieces, self._stack = pieces, stack
        self.delivered = delivered
        self._error: Exception | None = None

    def next(self) -> tuple[list[pa.Table], bool]:
        """Return the next tables, and whether there may be more. Raises the errors of reading."""
        if self._error is not None:
            raise self._error
        found: list[pa.Table] = []
        while sum(piece.nbytes for piece in found) < MAX_REPLY_BYTES:
            try:
                piece = next(self._pieces, None)
            except Exception as error:
                if not found:
                    raise
                # Return the rows read so far; raise the error at the next request.
                self._error = error
                break
            if piece is None:
                return found, False
            found.append(piece)
            self.delivered += piece.num_rows
        return found, True

    def close(self) -> None:
        """Close the file."""
        self._stack.close()


def read_array(request: ReaderRequest) -> Reply:
    """Read what `items` select of an array, in the declared dtype."""
    sources, structure = decode_sources(request.arguments), _structure(request)
    reader = format_of(request.arguments["mimetype"], StructureFamily.array).read_array
    assert reader is not None
    with translate_errors(sources.paths[0], sources.paths):
        found = convert(reader(sources, structure, _items(request)), structure.dtype)
    return _array_reply(found)


def table_rows(request: ReaderRequest) -> Reply:
    """Return the next rows of a table in files."""
    return _rows_reply(request, _file_rows)


def tree_rows(request: ReaderRequest) -> Reply:
    """Return the next rows of a table in a tree."""
    return _rows_reply(request, _tree_rows)


def tree_names(request: ReaderRequest) -> Reply:
    """Return the names in a group."""
    return Reply(_tree(request).names(request.arguments["keys"]))


def tree_entry(request: ReaderRequest) -> Reply:
    """Return the entry at some keys."""
    return Reply(_describe(_tree(request).entry(request.arguments["keys"])))


def tree_array(request: ReaderRequest) -> Reply:
    """Read what `items` select of an array in a tree."""
    structure, keys = _structure(request), request.arguments["keys"]
    return _array_reply(_tree(request).read_array(keys, structure, _items(request)))


def inspect(request: ReaderRequest) -> Reply:
    """Inspect files for registration."""
    sources, mimetype = decode_sources(request.arguments), request.arguments["mimetype"]
    inspector = inspected_by(mimetype).inspect
    assert inspector is not None
    with translate_errors(sources.paths[0], sources.paths):
        found = inspector(sources, mimetype)
    described = {"mimetype": found.mimetype, "parameters": found.parameters, "rows": found.rows}
    return Reply({**_describe(found), **described})


def names(request: ReaderRequest) -> Reply:
    """Return the first names in a folder, and of each whether it is a folder."""
    sources, limit = decode_sources(request.arguments), request.arguments["limit"]
    folder = sources.paths[0]
    with translate_errors(folder, sources.paths), os.scandir(folder) as entries:
        return Reply(
            [
                [entry.name, entry.is_dir(follow_symlinks=False)]
                for entry in islice(entries, limit + 1)
            ]
        )


def _with_objects(operation: Operation) -> Operation:
    """Return an operation that reads objects through the server process."""

    @wraps(operation)
    def run(request: ReaderRequest) -> Reply:
        if request.ask is not None:
            access.begin(BrokeredAccess(request.ask))
        return operation(request)

    return run


OPERATIONS: Mapping[str, Operation] = {
    "array": _with_objects(read_array),
    "rows": _with_objects(table_rows),
    "tree.names": _with_objects(tree_names),
    "tree.entry": _with_objects(tree_entry),
    "tree.array": _with_objects(tree_array),
    "tree.rows": _with_objects(tree_rows),
    "inspect": _with_objects(inspect),
    "names": names,
}


def _tree(request: ReaderRequest) -> Tree:
    found = _session(request, OpenTree)
    if found is None:
        found = OpenTree(request)
        _keep(request, found)
    return found.tree


def _rows_reply(request: ReaderRequest, begin: Any) -> Reply:
    delivered = request.arguments["delivered"]
    rows = _session(request, OpenRows)
    if rows is None or rows.delivered != delivered:
        start, stop = request.arguments["rows"]
        stack = ExitStack()
        with stack:
            pieces = begin(request, slice(start + delivered, stop), stack)
            rows = OpenRows(pieces, delivered, stack.pop_all())
        _keep(request, rows)
    found, more = rows.next()
    if not more and request.session is not None:
        request.sessions.end([request.session])
    return Reply(more, [_ipc(piece) for piece in found])


def _file_rows(request: ReaderRequest, rows: slice, stack: ExitStack) -> Iterator[pa.Table]:
    sources, names = decode_sources(request.arguments), request.arguments["names"]
    schema = pa.ipc.read_schema(pa.py_buffer(request.arguments["schema"]))
    opener = format_of(request.arguments["mimetype"], StructureFamily.table).open_table
    assert opener is not None
    partitions = [
        FilePartition(path, opener(path, schema, sources.parameters), schema)
        for path in sources.paths
    ]
    return iter_file_rows(partitions, names, rows)


def _tree_rows(request: ReaderRequest, rows: slice, stack: ExitStack) -> Iterator[pa.Table]:
    sources = decode_sources(request.arguments)
    tree = stack.enter_context(open_local_tree(request.arguments["mimetype"], sources))
    return tree.read_table(request.arguments["keys"], request.arguments["names"], rows)


def _session(request: ReaderRequest, kind: type[Kept]) -> Kept | None:
    found = request.sessions.get(request.session) if request.session is not None else None
    return found if isinstance(found, kind) else None


def _keep(request: ReaderRequest, session: OperationSession) -> None:
    if request.session is not None:
        request.sessions.put(request.session, session)


def _structure(request: ReaderRequest) -> ArrayStructure:
    return ArrayStructure.from_json(request.arguments["structure"])


def _items(request: ReaderRequest) -> NDSlice:
    return tuple(
        slice(*item) if isinstance(item, list) else item for item in request.arguments["items"]
    )


def _array_reply(array: Array) -> Reply:
    flat = np.ascontiguousarray(array).reshape(-1)
    octets: list[Buffer] = [flat.view(np.uint8).data] if flat.nbytes else []
    return Reply(list(array.shape), octets)


def _describe(found: Any) -> dict[str, Any]:
    structure: Structure | None = found.structure
    return {
        "family": found.family.value,
        "structure": None if structure is None else structure.to_json(),
        "metadata": found.metadata,
        "specs": found.specs,
    }


def _ipc(table: pa.Table) -> Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def _import_lazy_modules() -> None:
    """Import what formats import lazily, once before the fork instead of in each process."""
    for name in LAZY_MODULES:
        with suppress(ImportError):
            import_module(name)
    Image.init()
