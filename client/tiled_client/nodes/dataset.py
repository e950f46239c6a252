"""Client object of xarray datasets."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NodeNotFound
from ..optional import require_package
from ..wire.structure_family import StructureFamily
from .array import ArrayClient
from .container import Container
from .lazy import DaskArrayClient
from .xarray_metadata import COORDINATE, DATASET, encoding_from_json

if TYPE_CHECKING:
    import xarray


class DatasetClient(Container, family=StructureFamily.container, spec=DATASET):
    """A container that is an xarray dataset, written by `write_xarray` or by Tiled's client.

    It is a container too: `d["temperature"]` is the client object of an array.

    Examples
    --------
    >>> import xarray
    >>> written = xarray.Dataset({"counts": ("time", [5, 7])}, coords={"time": [0.5, 1.5]})
    >>> d = client.write_xarray(written, key="d")
    >>> d.read().counts.sel(time=1.5).item()
    7
    >>> d.dask.read().counts.sum().compute().item()
    12
    """

    def read(self, variables: Sequence[str] | None = None) -> xarray.Dataset:
        """Fetch the dataset.

        Parameters
        ----------
        variables
            Names of the variables to fetch, with their coordinates; by default all.

        Returns
        -------
        xarray.Dataset
            Of a client object with lazy reads, its data variables are dask arrays. A dimension
            whose arrays differ in length, because they grow, has the shortest length; this warns.

        Raises
        ------
        KeyError
            If there is no such variable.
        """
        require_package("xarray", "xarray")
        wanted = [variables] if isinstance(variables, str) else variables
        nodes = {key: node for key, node in self.items() if isinstance(node, ArrayClient)}
        chosen = _choose(nodes, wanted, self)
        is_coordinate = {key: _is_coordinate(node) for key, node in chosen.items()}
        values = self._values(chosen, is_coordinate)
        return _dataset(self.metadata, chosen, values, is_coordinate)

    def _values(
        self, nodes: Mapping[str, ArrayClient], is_coordinate: Mapping[str, bool]
    ) -> dict[str, Any]:
        """Return the data of the arrays: small ones are fetched a few at a time."""
        lazy = {
            key: node.read()
            for key, node in nodes.items()
            if isinstance(node, DaskArrayClient) and not is_coordinate[key]
        }
        limit = self._http.options.bytes_per_request
        eager = {key: node for key, node in nodes.items() if key not in lazy}
        # A large array is fetched by several threads itself.
        large = {key: np.asarray(node) for key, node in eager.items() if node.nbytes > limit}
        small = [key for key in eager if key not in large]
        fetched = self._http.map(lambda key: np.asarray(eager[key]), small) if small else []
        return {**lazy, **large, **dict(zip(small, fetched, strict=True))}


def _choose(
    nodes: Mapping[str, ArrayClient], names: Sequence[str] | None, container: Container
) -> dict[str, ArrayClient]:
    if names is None:
        return dict(nodes)
    for name in names:
        if name not in nodes:
            raise NodeNotFound(f"{name!r} is not a variable of {container.uri}")
    dims = {dim for name in names for dim in _dims(name, nodes[name])}
    return {
        name: node
        for name, node in nodes.items()
        if name in names or (_is_coordinate(node) and dims.issuperset(_dims(name, node)))
    }


def _dataset(
    metadata: Mapping[str, Any],
    nodes: Mapping[str, ArrayClient],
    values: Mapping[str, Any],
    is_coordinate: Mapping[str, bool],
) -> xarray.Dataset:
    import xarray

    dims = {name: _dims(name, node) for name, node in nodes.items()}
    cut = _common_sizes(dims, values)
    variables = {
        name: xarray.Variable(
            dims[name],
            values[name][tuple(slice(cut.get(dim)) for dim in dims[name])] if cut else values[name],
            node.metadata.get("attrs") or {},
            encoding_from_json(node.metadata.get("encoding")),
        )
        for name, node in nodes.items()
    }
    dataset = xarray.Dataset(
        {name: variable for name, variable in variables.items() if not is_coordinate[name]},
        {name: variable for name, variable in variables.items() if is_coordinate[name]},
        metadata.get("attrs") or {},
    )
    dataset.encoding = encoding_from_json(metadata.get("encoding"))
    return dataset


def _common_sizes(dims: Mapping[str, tuple[str, ...]], values: Mapping[str, Any]) -> dict[str, int]:
    """Return the shortest length of the dimensions that have several; warns if there are any."""
    sizes: dict[str, set[int]] = {}
    for name, own in dims.items():
        for dim, size in zip(own, values[name].shape, strict=True):
            sizes.setdefault(dim, set()).add(size)
    cut = {dim: min(found) for dim, found in sizes.items() if len(found) > 1}
    if cut:
        lengths = ", ".join(f"{dim!r} to {size}" for dim, size in cut.items())
        warnings.warn(
            f"The arrays of the dataset differ in length, and are cut: {lengths}.", stacklevel=4
        )
    return cut


def _dims(name: str, node: ArrayClient) -> tuple[str, ...]:
    return node.dims or tuple(f"{name}_dim_{n}" for n in range(node.ndim))


def _is_coordinate(node: ArrayClient) -> bool:
    return any(spec.name == COORDINATE for spec in node.specs)
