"""The second argument of `from_uri`: classes of client objects, or an API key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .classes import KINDS, NUMPY, StructureClients
from .node import Node


def split_second_argument(value: Any, api_key: str | None) -> tuple[StructureClients, str | None]:
    """Return the structure clients and the API key.

    Parameters
    ----------
    value
        Structure clients, as in Tiled's client; or an API key: any text but "numpy" and "dask".
    api_key
        The key that was given by its name.

    Raises
    ------
    ValueError
        If there are two keys, or `value` was to be structure clients and is neither.
    TypeError
        If a class is not one of nodes.
    """
    if value is None:
        return NUMPY, api_key
    if isinstance(value, str):
        if value in KINDS:
            return value, api_key
        if api_key is not None:
            raise ValueError(
                "The API key is given twice, as structure_clients and as api_key: pass 'numpy' or "
                "'dask' as structure_clients, or leave it out."
            )
        return NUMPY, value
    if not isinstance(value, Mapping):
        raise TypeError(
            "structure_clients is 'numpy', 'dask', or a dict of specs or structure families and "
            f"their classes, not {value!r}."
        )
    for name, kind in value.items():
        if not (isinstance(kind, type) and issubclass(kind, Node)):
            raise TypeError(
                f"structure_clients[{name!r}] must be a subclass of tiled_client.Node, not "
                f"{kind!r}."
            )
    return dict(value), api_key
