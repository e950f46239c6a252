"""Updates, as callbacks get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import frames
from ..documents import Resource, read_data_sources, read_specs
from ..errors import UnreadableAnswer
from ..http import OCTETS
from ..regions import block_offset
from ..wire.data_sources import DataSource
from ..wire.specs import Spec
from .protocol import Envelope, Map, Schema, optional_sizes, sizes

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from ..nodes import Node
    from .subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One change of a node.

    `sequence` counts the changes from 1; `timestamp` has a zone; `epoch` names the run of the
    numbering, where the server says it.
    """

    topic: ClassVar[str]

    sequence: int
    timestamp: datetime
    epoch: str | None
    subscription: Subscription = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayUpdate(Update):
    """Numbers were written to an array.

    `shape` and `offset` say where: a full write has the offset 0 along each dimension. A chunk also
    has its `block` number, and the offset None if its place cannot be told from the chunks that the
    subscription's node knows of.
    """

    topic: ClassVar[str] = "new_data"

    shape: tuple[int, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    mimetype: str
    dtype: np.dtype[Any]
    payload: bytes = field(repr=False)

    def data(self) -> np.ndarray[Any, Any]:
        """The numbers, in the array's dtype; read-only, as they share the message's memory."""
        if self.mimetype != OCTETS:
            raise UnreadableAnswer(f"Numbers sent as {self.mimetype} cannot be decoded.")
        try:
            return np.frombuffer(self.payload, self.dtype).reshape(self.shape)
        except ValueError as error:
            raise UnreadableAnswer(
                f"Update {self.sequence} has {len(self.payload)} bytes, which is not what "
                f"{self.shape} of {self.dtype} takes."
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayReference(Update):
    """Numbers of an external array can be read. `shape` and `offset` say which part is new."""

    topic: ClassVar[str] = "new_data"

    shape: tuple[int, ...]
    offset: tuple[int, ...]
    whole_shape: tuple[int, ...]
    uri: str
    dtype: np.dtype[Any]
    data_source: DataSource = field(repr=False)

    def data(self) -> np.ndarray[Any, Any]:
        """Fetch the new part from the server."""
        fetched: np.ndarray[Any, Any] = self.subscription.node.fetch_reference(self)  # type: ignore[attr-defined]
        return fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUpdate(Update):
    """Rows were written (or, with `append`, added) to a table; `partition` None means all of it."""

    topic: ClassVar[str] = "new_data"

    partition: int | None
    append: bool
    mimetype: str
    payload: bytes = field(repr=False)

    def data(self) -> pandas.DataFrame:
        """The rows, as pandas has them."""
        return self.arrow().to_pandas()  # type: ignore[no-any-return]

    def arrow(self) -> pyarrow.Table:
        """The rows, as Arrow has them."""
        if self.mimetype != frames.ARROW:
            raise UnreadableAnswer(f"Rows sent as {self.mimetype} cannot be decoded.")
        return frames.decode(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCreated(Update):
    """A container has a new child."""

    topic: ClassVar[str] = "child_created"

    key: str
    structure_family: str
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    data_sources: tuple[DataSource, ...]
    access_tags: list[str]

    def child(self) -> Node:
        """The client object for the child, without asking the server."""
        resource = Resource(
            family=self.structure_family,
            metadata=self.metadata,
            specs=self.specs,
            structure=self.data_sources[0].structure if self.data_sources else None,
            data_sources=self.data_sources,
            access_tags=self.access_tags,
        )
        return self.subscription.node.child(self.key, resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMetadataUpdated(Update):
    """Metadata or specs of a child changed; both are complete, as they are now."""

    topic: ClassVar[str] = "child_metadata_updated"

    key: str
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    revision_number: int | None


def parse_update(
    message: Map, envelope: Envelope, schema: Schema, subscription: Subscription
) -> Update | None:
    """Build the update that a message tells of; None for a type that is not known here.

    Raises UnreadableAnswer.
    """
    build = _BUILDERS.get(envelope.type)
    if build is None:
        return None
    common = {
        "sequence": envelope.sequence,
        "timestamp": envelope.timestamp,
        "epoch": envelope.epoch or schema.epoch,
        "subscription": subscription,
    }
    try:
        return build(message, schema, common)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableAnswer(
            f"Update {envelope.sequence} ({envelope.type}) lacks something: {error!r}"
        ) from error


def _array(message: Map, schema: Schema, common: dict[str, Any]) -> Update:
    shape, block = sizes(message, "shape"), optional_sizes(message, "block")
    offset = optional_sizes(message, "offset")
    if offset is not None:
        # A patch may leave out the last dimensions.
        offset += (0,) * (len(shape) - len(offset))
    elif block is None:
        offset = (0,) * len(shape)
    else:
        structure = getattr(common["subscription"].node, "structure", None)
        offset = block_offset(structure.chunks, block, shape) if structure else None
    return ArrayUpdate(
        **common,
        shape=shape,
        offset=offset,
        block=block,
        mimetype=message["mimetype"],
        dtype=_dtype(schema),
        payload=message.get("payload") or b"",
    )


def _reference(message: Map, schema: Schema, common: dict[str, Any]) -> Update:
    whole, patch = sizes(message, "shape"), message.get("patch")
    (data_source,) = read_data_sources([message["data_source"]]) or ()
    return ArrayReference(
        **common,
        shape=sizes(patch, "shape") if patch else whole,
        offset=sizes(patch, "offset") if patch else (0,) * len(whole),
        whole_shape=whole,
        uri=message["uri"],
        dtype=_dtype(schema),
        data_source=data_source,
    )


def _table(message: Map, _: Schema, common: dict[str, Any]) -> Update:
    return TableUpdate(
        **common,
        partition=message.get("partition"),
        append=bool(message.get("append")),
        mimetype=message["mimetype"],
        payload=message.get("payload") or b"",
    )


def _created(message: Map, _: Schema, common: dict[str, Any]) -> Update:
    return ChildCreated(
        **common,
        key=message["key"],
        structure_family=message["structure_family"],
        metadata=message["metadata"],
        specs=read_specs(message["specs"]),
        data_sources=read_data_sources(message["data_sources"]) or (),
        access_tags=message.get("access_tags") or [],
    )


def _metadata(message: Map, _: Schema, common: dict[str, Any]) -> Update:
    return ChildMetadataUpdated(
        **common,
        key=message["key"],
        metadata=message["metadata"],
        specs=read_specs(message["specs"]),
        revision_number=message.get("revision_number"),
    )


_BUILDERS: dict[str, Callable[[Map, Schema, dict[str, Any]], Update]] = {
    "array-data": _array,
    "array-ref": _reference,
    "table-data": _table,
    "container-child-created": _created,
    "container-child-metadata-updated": _metadata,
}


def _dtype(schema: Schema) -> np.dtype[Any]:
    if schema.data_type is None:
        raise UnreadableAnswer(f"Numbers came on a stream that began with {schema.type!r}.")
    return schema.data_type.to_numpy()
