"""Client object of containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import reject_unknown_fields
from ..wire.structure_family import StructureFamily
from .array import ArrayClient
from .awkward import AwkwardClient
from .container_operations import ContainerOperations
from .creation import NodeFields
from .display.keys import keys_to_complete
from .listed_container import ListedContainer
from .ragged import RaggedClient
from .sparse import SparseClient
from .table import TableClient
from .xarray_writing import write_dataset

if TYPE_CHECKING:
    from typing import Unpack


class Container(
    ContainerOperations[
        "Container", ArrayClient, TableClient, SparseClient, RaggedClient, AwkwardClient
    ],
    ListedContainer,
    family=StructureFamily.container,
):
    """A container on a server: a mapping of keys to nodes, listed page by page.

    `c["a", "b"]` and `c["a/b"]` fetch a node at a deeper level with one request.
    """

    def _ipython_key_completions_(self) -> list[str]:
        return keys_to_complete(self)

    def write_xarray(self, dataset: Any, **fields: Unpack[NodeFields]) -> Any:
        """Create a container for an xarray dataset, and write its variables.

        Tiled's client reads it as a dataset, too.

        Parameters
        ----------
        dataset
            A Dataset, or a DataArray, which becomes a variable of its name or `data`. Variables of
            dask arrays are computed and written chunk by chunk.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the container, and `if_exists`, as for
            `write_array`. A dataset that exists can be opened; delete it to replace it.

        Returns
        -------
        DatasetClient
            The new node.

        Raises
        ------
        Conflict
            If the key exists.
        ValueError, TypeError
            If a name, an index, an attribute or values cannot be stored; nothing is then.

        Examples
        --------
        >>> import xarray
        >>> line = xarray.DataArray([5, 7], coords={"time": [0.5, 1.5]}, name="counts")
        >>> client.write_xarray(line, key="line").read().counts.dims
        ('time',)
        """
        reject_unknown_fields(fields, NodeFields)
        return write_dataset(self, dataset, fields)
