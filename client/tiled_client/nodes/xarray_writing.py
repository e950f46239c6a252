"""Writing of xarray datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..documents import read_specs
from ..errors import RequestRejected, TiledClientError
from .node import Node
from .xarray_metadata import (
    COORDINATE,
    DATA_VARIABLE,
    DATASET,
    encoding_to_json,
    to_dataset,
    to_values,
)


def write_dataset(container: Any, data: Any, fields: Mapping[str, Any]) -> Any:
    """Create a container for a dataset, and in it an array for each variable.

    Parameters
    ----------
    container
        The container to create it in.
    data
        A Dataset or a DataArray.
    fields
        Fields of the new container; its children have the same access tags.
    """
    dataset = to_dataset(data)
    arrays = {name: to_values(name, dataset[name].variable) for name in dataset.variables}
    own = dict(fields)
    metadata = {**(own.pop("metadata", None) or {}), **_described(dataset)}
    specs = [spec for spec in read_specs(own.pop("specs", None) or ()) if spec.name != DATASET]
    node = container.create_container(
        own.pop("key", None), metadata=metadata, specs=[*specs, DATASET], **own
    )
    with _deleted_on_rejection(node):
        for name, values in arrays.items():
            node.write_array(
                values,
                key=name,
                dims=dataset[name].dims or None,
                metadata=_described(dataset[name]),
                specs=[COORDINATE if name in dataset.coords else DATA_VARIABLE],
                access_tags=own.get("access_tags"),
                # A new container has no children; an opened one may have them.
                if_exists="open" if own.get("if_exists") == "open" else "error",
            )
    return node


def _described(data: Any) -> dict[str, Any]:
    described = {"attrs": dict(data.attrs)}
    encoding = encoding_to_json(data.encoding)
    return {**described, "encoding": encoding} if encoding else described


@contextmanager
def _deleted_on_rejection(node: Node) -> Iterator[None]:
    """Delete a new container, with what is in it, if one of its arrays is rejected."""
    try:
        yield
    except (RequestRejected, TypeError, ValueError):
        if not node.may_be_of_others:
            with suppress(TiledClientError):
                node.delete(recursive=True, external_only=False)
        raise
