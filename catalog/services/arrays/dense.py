"""Read and write dense arrays.

A persisted write holds the node's lock until it has been announced, so that subscribers receive
writes in the order in which they were stored. The site's storage stores and commits it (see
`stores.interface`). A write that is not persisted is checked in the same way, and then only
announced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from core.bounds import bounds, exceeded
from core.errors import Invalid, NotSupported, TooLarge
from core.mapped_files import BytesLike
from tiled_client.wire.encodings import PayloadEncoding, decode_payload
from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ...events import announce, announce_left
from ...locks.fencing import write_lock
from ...lookup.embedded import EmbeddedNode, read_embedded_array
from ...lookup.nodes import split_path
from ...lookup.write_targets import WriteTarget, get_write_target
from ...models import Node
from ...storage.selection_chunks import split_selection
from ..assets.external import read_external
from ..idempotency import find_receipt
from ..limits import nominal_bytes
from ..response_limits import check_response_bytes
from ..stores.interface import ArrayWrite
from ..stores.site import storage
from ..stores.write_plans import Growth, WritePlan, plan_append, plan_block, plan_full, plan_patch
from ..uploads import Upload

Array = np.ndarray[Any, Any]

MAX_CODE_POINT = 0x10FFFF


def write_full(*, path: str, upload: Upload) -> ArrayStructure:
    """Overwrite the whole array. Raises as `write_patch` does."""
    return _write(path, upload, plan_full)


def write_block(*, path: str, block: Sequence[int], upload: Upload) -> ArrayStructure:
    """Overwrite one chunk. Raises as `write_patch` does, and WireError for a block out of range."""
    return _write(path, upload, lambda structure: plan_block(structure, block))


def write_patch(
    *, path: str, offset: Sequence[int], shape: Sequence[int], growth: Growth, upload: Upload
) -> ArrayStructure:
    """Overwrite a region, or grow the array to hold it, as far as `growth` allows.

    Returns the structure as it is stored afterwards: a write that is not persisted grows the
    array for subscribers only. Raises NotFound, NotSupported (external files), Conflict
    (outside of the stored shape without growth), Invalid (a body of the wrong length),
    WireError (a patch of other dimensions, or of other frames than `growth` allows).
    """
    return _write(path, upload, lambda structure: plan_patch(structure, offset, shape, growth))


def append_frames(*, path: str, count: int, upload: Upload) -> ArrayStructure:
    """Append `count` frames at the end of the first dimension. Raises as `write_patch` does."""
    return _write(path, upload, lambda structure: plan_append(structure, count))


def read_array(node: Node | EmbeddedNode, items: NDSlice) -> Array:
    """Return the part `items` of the array. Raises WireError, BadRequest (too large)."""
    structure = array_structure(node)
    check_response(structure, sliced_shape(structure.shape, items))
    return _read(node, structure, items)


def iter_array(node: Node | EmbeddedNode, items: NDSlice, *, most: int) -> Iterator[Array]:
    """Iterate over the part `items`, of any size, in portions of about `most` bytes in C order."""
    for _, array in iter_portions(node, items, most=most):
        yield array


def iter_portions(
    node: Node | EmbeddedNode, items: NDSlice, *, most: int
) -> Iterator[tuple[NDSlice, Array]]:
    """Iterate over the part `items` as `iter_array` does, with what each portion selects."""
    structure = array_structure(node)
    chunk = [max(sizes, default=1) for sizes in structure.chunks]
    most = max(most // structure.dtype.itemsize, 1)
    for portion in split_selection(structure.shape, items, chunk, max_elements=most):
        yield portion, _read(node, structure, portion)


def check_response(structure: ArrayStructure, shape: Sequence[int]) -> None:
    """Raise BadRequest if this part of an array exceeds the response limit."""
    check_response_bytes(
        nominal_bytes(structure, shape), "Use slicing ('?slice=...') to request smaller chunks."
    )


def _read(node: Node | EmbeddedNode, structure: ArrayStructure, items: NDSlice) -> Array:
    if isinstance(node, EmbeddedNode):
        shape = sliced_shape(structure.shape, items)
        empty = np.zeros(shape, structure.dtype)
        return read_embedded_array(node, items) if math.prod(shape) else empty
    assert node.source is not None
    if node.source.external:
        return read_external(node.source, structure, items)
    return storage().arrays.read(node, structure, items)


def array_structure(node: Node | EmbeddedNode) -> ArrayStructure:
    """Return the structure of a node that is an array."""
    structure = node.structure
    assert isinstance(structure, ArrayStructure)
    return structure


def _write(
    path: str, upload: Upload, planned: Callable[[ArrayStructure], WritePlan]
) -> ArrayStructure:
    if not upload.persist:
        target = get_write_target(path, StructureFamily.array)
        upload.check_node(target.ref.uuid)
        write = _checked(target, planned, upload)
        announce(write.event())
        return target_structure(target)
    with write_lock("/".join(split_path(path))) as fence:
        target = get_write_target(path, StructureFamily.array)
        upload.check_node(target.ref.uuid)
        if not target.writable:
            raise NotSupported("This node cannot accept array data.")
        arrays = storage().arrays
        arrays.prepare(target, fence)
        earlier = find_receipt(target.ref.uuid, upload.idempotency_key)
        if earlier is not None:
            announce_left(target.ref)
            return ArrayStructure.from_json(earlier.structure)
        write = _checked(target, planned, upload)
        arrays.write(write, fence)
    return write.plan.structure


def target_structure(target: WriteTarget) -> ArrayStructure:
    """Return the structure of a write target that is an array."""
    assert isinstance(target.structure, ArrayStructure)
    return target.structure


def _checked(
    target: WriteTarget, planned: Callable[[ArrayStructure], WritePlan], upload: Upload
) -> ArrayWrite:
    structure = target_structure(target)
    plan = planned(structure)
    return ArrayWrite(target, plan, decode_upload(upload, structure.dtype, plan.shape), upload)


def decode_upload(upload: Upload, dtype: np.dtype[Any], shape: Sequence[int]) -> Array:
    """Return the array in an upload. Raises as `decode` does."""
    return decode(upload.body, dtype, shape, upload.encoding)


def decode(
    body: BytesLike,
    dtype: np.dtype[Any],
    shape: Sequence[int],
    encoding: PayloadEncoding = PayloadEncoding.identity,
) -> Array:
    """Return the array with the C-order bytes `body`, or of which it is the encoding.

    Raises Invalid for a wrong length or a damaged encoding, TooLarge.
    """
    if encoding is not PayloadEncoding.identity:
        body = _decompress(body, encoding, math.prod(shape) * dtype.itemsize, dtype.itemsize)
    expected = math.prod(shape) * dtype.itemsize
    if len(body) != expected:
        raise Invalid(
            f"The body must be {expected} bytes, for shape {list(shape)} of dtype {dtype}; "
            f"{len(body)} bytes were received."
        )
    if not expected:
        return np.zeros(shape, dtype)
    array = np.frombuffer(body, dtype).reshape(shape)
    _check_texts(array)
    return array


def _decompress(body: BytesLike, encoding: PayloadEncoding, size: int, itemsize: int) -> memoryview:
    """Return the `size` bytes that a body must have in `encoding`."""
    if size > bounds().unpacked_body:
        raise TooLarge(exceeded("Bytes of the body after decompression", size, "unpacked_body"))
    try:
        return decode_payload(encoding, body, nbytes=size, itemsize=itemsize).data
    except WireError as error:
        raise Invalid(str(error)) from error


def _check_texts(array: Array) -> None:
    """Raise Invalid for strings with code points beyond Unicode, which no client can decode."""
    for name in array.dtype.names or ():
        _check_texts(array[name])
    if array.dtype.kind != "U" or not array.size:
        return
    points = np.ascontiguousarray(array).reshape(-1).view(f"{array.dtype.byteorder}u4")
    if points.max() > MAX_CODE_POINT:
        raise Invalid(
            f"Strings must consist of Unicode code points, at most {MAX_CODE_POINT:#x}, not "
            f"{points.max():#x}."
        )
