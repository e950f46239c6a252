"""Adapter classes of Tiled as formats, where the package `tiled` is installed.

Tiled's catalog calls `from_catalog(data_source, node, **parameters)` of the class for a mimetype,
and so does this module. The metadata of the node are not known here: the adapter gets empty ones.
A table of several files is read file by file, with an adapter for each.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import orjson
import pyarrow as pa

from tiled_client.wire.data_sources import Asset
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import (
    ArrayStructure,
    Structure,
    TableStructure,
    structure_from_json,
)

from ..encoding import Array
from ..errors import NoSuchEntry, Unreadable
from ..files import file_uri
from .formats import Entry, Format, Inspected
from .rows import TableFile
from .sources import Sources

NO_TILED = (
    "storage.tiled_adapters needs the package tiled, which is not installed: run "
    "pip install 'tiled[server]==0.2.20', or remove the setting."
)
# Metadata of adapters have values that JSON has not: numpy's, and enumerations.
METADATA = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def adapter_format(mimetype: str, path: str) -> Format:
    """Return the format that reads files of `mimetype` by the adapter at a path, as in `a.b:C`.

    Raises ValueError or TypeError for a path that leads to no adapter, and without `tiled`.
    """
    module, _, name = path.partition(":")
    try:
        importlib.import_module("tiled.structures.data_source")
        importlib.import_module("tiled.ndslice")
    except ImportError:
        raise ValueError(NO_TILED) from None
    try:
        adapter = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path} cannot be imported: {error}.") from error
    if not callable(getattr(adapter, "from_catalog", None)):
        raise TypeError(f"{path} is not an adapter of Tiled: it has no method from_catalog.")
    shim = AdapterShim(mimetype, adapter)
    family = getattr(adapter, "structure_family", None)
    return Format(
        (mimetype,),
        read_array=shim.read_array if family in (None, "array") else None,
        open_table=shim.open_table if family in (None, "table") else None,
        open_tree=shim.open_tree if family in (None, "container") else None,
        inspect=shim.inspect if callable(getattr(adapter, "from_uris", None)) else None,
    )


@dataclass(frozen=True, slots=True)
class AdapterShim:
    """The functions of a format, by an adapter class."""

    mimetype: str
    adapter: Any

    def read_array(self, sources: Sources, structure: ArrayStructure, items: NDSlice) -> Array:
        """Read what `items` select of an array."""
        made = self._make(_assets(sources), sources.parameters, StructureFamily.array, structure)
        return _selected(made, items)

    def open_table(self, path: Path, schema: pa.Schema, parameters: Mapping[str, Any]) -> TableFile:
        """Open one file of a table."""
        structure = TableStructure.from_schema(schema, npartitions=1)
        assets = [self._asset_of_table(path)]
        return AdapterTable(
            schema, partial(self._make, assets, parameters, StructureFamily.table, structure)
        )

    @contextmanager
    def open_tree(self, sources: Sources) -> Iterator[AdapterTree]:
        """Open a container."""
        yield AdapterTree(
            self._make(_assets(sources), sources.parameters, StructureFamily.container, None)
        )

    def inspect(self, sources: Sources, mimetype: str) -> Inspected:
        """Return the description of files that are about to be registered."""
        made = self.adapter.from_uris(*map(_local_uri, sources.paths))
        entry = _entry(made)
        return Inspected(
            entry.family, mimetype, entry.structure, metadata=entry.metadata, specs=entry.specs
        )

    def _make(
        self,
        assets: Sequence[Asset],
        parameters: Mapping[str, Any],
        family: StructureFamily,
        structure: Structure | None,
    ) -> Any:
        from tiled.structures.data_source import Asset as TiledAsset
        from tiled.structures.data_source import DataSource, Management

        data_source = DataSource(
            structure_family=family.value,
            structure=_tiled_structure(family, structure),
            mimetype=self.mimetype,
            parameters=dict(parameters),
            assets=[
                TiledAsset(one.data_uri, one.is_directory, one.parameter, one.num) for one in assets
            ],
            management=Management.external,
        )
        node = SimpleNamespace(metadata_={}, specs=[], structure_family=family.value)
        return self.adapter.from_catalog(data_source, node, **parameters)

    def _asset_of_table(self, path: Path) -> Asset:
        """Return the file as the asset that the class expects: alone, or as one of a list."""
        names = inspect.signature(self.adapter.__init__).parameters
        several = "data_uris" in names and "data_uri" not in names
        return Asset(
            _local_uri(path.absolute()),
            path.is_dir(),
            parameter="data_uris" if several else "data_uri",
            num=0 if several else None,
        )


@dataclass(frozen=True, slots=True)
class AdapterTable:
    """The rows of one file, which the adapter reads as a whole."""

    schema: pa.Schema
    make: Any
    whole: ClassVar[bool] = True

    def names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.schema.names)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._frame(self.schema.names[:1]))

    def tables(self, names: Sequence[str], start: int, stop: int | None) -> Iterator[pa.Table]:
        """Yield the rows from `start` to `stop`, or to the end."""
        frame = self._frame(list(names)).iloc[start:stop]
        if len(frame):
            yield pa.Table.from_pandas(frame, preserve_index=False).select(list(names))

    def _frame(self, names: Sequence[str]) -> Any:
        found = self.make().read(list(names))
        if hasattr(found, "compute"):
            found = found.compute()
        return found.reset_index()[list(names)] if set(names) - set(found) else found[list(names)]


@dataclass(frozen=True, slots=True)
class AdapterTree:
    """A mapping of adapters, and mappings in it."""

    top: Any

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names in a group."""
        return list(self._find(keys))

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return the entry at `keys`."""
        return _entry(self._find(keys))

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Read a part of an array."""
        return _selected(self._find(keys), items)

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Yield rows of a table."""
        found = self._find(keys)
        schema = _entry(found).structure
        assert isinstance(schema, TableStructure)
        table = AdapterTable(schema.schema(), lambda: found)
        return table.tables(names, rows.start or 0, rows.stop)

    def _find(self, keys: Sequence[str]) -> Any:
        found = self.top
        for key in keys:
            try:
                found = found[key]
            except (KeyError, TypeError, IndexError):
                raise NoSuchEntry(f"There is no {'/'.join(keys)}.") from None
        return found


def _selected(adapter: Any, items: NDSlice) -> Array:
    from tiled.ndslice import NDSlice as TiledSlice

    return np.asarray(adapter.read(TiledSlice(*items) if items else TiledSlice(...)))


def _assets(sources: Sources) -> list[Asset]:
    roles = sources.roles or ((None, None),) * len(sources.paths)
    several = len(sources.paths) > 1
    return [
        Asset(
            _local_uri(path),
            path.is_dir(),
            parameter=parameter or ("data_uris" if several else "data_uri"),
            num=number if parameter else (place if several else None),
        )
        for place, (path, (parameter, number)) in enumerate(zip(sources.paths, roles, strict=True))
    ]


def _local_uri(path: Path) -> str:
    """Return the URI of a local file: adapters open files by name, which an object has not."""
    return file_uri(Path(os.fspath(path)))


def _entry(adapter: Any) -> Entry:
    try:
        family = StructureFamily(adapter.structure_family)
    except ValueError:
        raise Unreadable(
            f"{type(adapter).__name__} has the unknown family {adapter.structure_family!r}."
        ) from None
    found = adapter.metadata() if callable(adapter.metadata) else adapter.metadata
    metadata = orjson.loads(orjson.dumps(dict(found or {}), default=str, option=METADATA))
    specs = [
        {"name": one.name, "version": getattr(one, "version", None)}
        for one in getattr(adapter, "specs", None) or ()
    ]
    structure = None
    if family is not StructureFamily.container:
        structure = structure_from_json(family, _plain(adapter.structure()))
    return Entry(family, structure, metadata, specs)


def _plain(structure: Any) -> Any:
    """Return the JSON of a structure of Tiled, which has enumerations in it."""
    return orjson.loads(orjson.dumps(dataclasses.asdict(structure)))


def _tiled_structure(family: StructureFamily, structure: Structure | None) -> Any:
    if structure is None:
        return None
    module = importlib.import_module(f"tiled.structures.{family.value}")
    kind = {"array": "ArrayStructure", "table": "TableStructure"}[family.value]
    return getattr(module, kind).from_json(structure.to_json())
