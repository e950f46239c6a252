"""Store frames one by one, by the services that HTTP requests are carried out by.

The number of each frame is stored with its write (see `writing.progress`).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Any

import orjson

from access.principals import Scope, require
from catalog.api.nodes.metadata import patch_of, replaced
from catalog.lookup.nodes import resolve
from catalog.permissions.node_permissions import check_node
from catalog.services.arrays import awkward, dense, ragged, sparse
from catalog.services.idempotency import IdempotencyKey
from catalog.services.nodes.data_sources import DataSourcePatch, update_data_source
from catalog.services.nodes.drafts import parse_data_source
from catalog.services.nodes.metadata import update_metadata
from catalog.services.nodes.streams import close_stream
from catalog.services.tables import writing
from catalog.services.uploads import Upload
from core.errors import Invalid
from core.http.media_types import ARROW, OCTET_STREAM, ZIP
from core.http.requests import bounded_json
from core.mapped_files import BytesLike
from tiled_client.wire.buffers import ragged_array
from tiled_client.wire.encodings import PayloadEncoding, encoded_size
from tiled_client.wire.ingest import FrameHeader, FrameOperation
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..writing.progress import AlreadyStored, ProducerMark, marking, stored_sequence
from .opened_nodes import BatchOutcome, OpenedNode, ReceivedFrame
from .unstored import growth_of, partition_of, required

MIMETYPES = {
    StructureFamily.array: OCTET_STREAM,
    StructureFamily.table: ARROW,
    StructureFamily.sparse: ARROW,
    StructureFamily.ragged: ZIP,
    StructureFamily.awkward: ZIP,
}


def write_one(node: OpenedNode, frame: ReceivedFrame) -> BatchOutcome:
    """Carry out one frame, unless it was before. Raises as the services do."""
    sequence = frame.header.sequence
    stores = frame.header.op is not FrameOperation.close and frame.header.persist
    if stores and sequence <= stored_sequence(node.uuid, node.producer):
        return BatchOutcome(sequence)
    mark = ProducerMark(node.uuid, node.producer, sequence, sequence)
    try:
        with marking(mark):
            _carry_out(node, frame)
    except AlreadyStored:
        pass
    return BatchOutcome(sequence)


def _carry_out(node: OpenedNode, frame: ReceivedFrame) -> None:
    match frame.header.op:
        case FrameOperation.close:
            close_stream(path=node.path, token=_token(node, frame), node=node.uuid)
        case FrameOperation.metadata:
            _update_metadata(node, frame)
        case FrameOperation.data_source:
            _update_data_source(node, frame)
        case _:
            _write(node, frame)


def _write(node: OpenedNode, frame: ReceivedFrame) -> None:
    header, upload = frame.header, _upload(node, frame)
    match node.family:
        case StructureFamily.array:
            _write_array(node, header, upload)
        case StructureFamily.table:
            _write_table(node, header, upload)
        case StructureFamily.ragged:
            _write_ragged(node, header, upload)
        case StructureFamily.sparse if header.op is FrameOperation.write:
            sparse.write_full(path=node.path, upload=upload)
        case StructureFamily.sparse if header.op is FrameOperation.block:
            block = required(header.block, "block")
            sparse.write_block(path=node.path, block=block, upload=upload)
        case StructureFamily.awkward if header.op is FrameOperation.write:
            awkward.write_full(path=node.path, upload=upload)
        case _:
            raise Invalid(f"A node of family {node.family.value} has no operation {header.op}.")


def _upload(node: OpenedNode, frame: ReceivedFrame) -> Upload:
    persist = frame.header.persist
    # The key makes a write change more than one row, so that all of them are in a transaction.
    key = IdempotencyKey(f"ingest {node.producer} {frame.header.sequence}", b"")
    return Upload(
        body=frame.payload,
        mimetype=MIMETYPES[node.family],
        persist=persist,
        idempotency_key=key if persist else None,
        token="" if persist else _token(node, frame),
        node=node.uuid,
        encoding=frame.encoding,
    )


def _write_array(node: OpenedNode, header: FrameHeader, upload: Upload) -> None:
    match header.op:
        case FrameOperation.write:
            dense.write_full(path=node.path, upload=upload)
        case FrameOperation.block:
            block = required(header.block, "block")
            dense.write_block(path=node.path, block=block, upload=upload)
        case FrameOperation.append:
            count = frame_count(node, upload.body, upload.encoding)
            dense.append_frames(path=node.path, count=count, upload=upload)
        case _:
            dense.write_patch(
                path=node.path,
                offset=required(header.offset, "offset"),
                shape=required(header.shape, "shape"),
                growth=growth_of(header),
                upload=upload,
            )


def frame_count(node: OpenedNode, payload: BytesLike, encoding: PayloadEncoding) -> int:
    """Return how many frames of a dense array a payload has; a remainder fails later.

    Raises WireError for a damaged payload.
    """
    size, structure = encoded_size(encoding, payload), node.structure
    assert isinstance(structure, ArrayStructure)
    each = math.prod(structure.shape[1:]) * structure.dtype.itemsize
    return size // each if each else 0


def _write_table(node: OpenedNode, header: FrameHeader, upload: Upload) -> None:
    partition, append = partition_of(header)
    if append:
        writing.append_rows(path=node.path, partition=partition or 0, upload=upload)
    elif partition is None:
        writing.write_table(path=node.path, upload=upload)
    else:
        writing.write_partition(path=node.path, partition=partition, upload=upload)


def _write_ragged(node: OpenedNode, header: FrameHeader, upload: Upload) -> None:
    array, path = ragged_array(upload.content), node.path
    match header.op:
        case FrameOperation.write:
            ragged.write_full(path=path, upload=upload, array=array)
        case FrameOperation.block:
            block = required(header.block, "block")
            ragged.write_block(path=path, block=block, upload=upload, array=array)
        case FrameOperation.append:
            ragged.append(path=path, upload=upload, array=array)
        case _:
            ragged.write_patch(
                path=path,
                offset=required(header.offset, "offset"),
                shape=required(header.shape, "shape"),
                extend=header.extend,
                upload=upload,
                array=array,
            )


def _update_metadata(node: OpenedNode, frame: ReceivedFrame) -> None:
    require(node.principal, Scope.write_metadata)
    check_node(node.path, node.principal, Scope.write_metadata)
    body = parse_json(frame.payload)
    change = patch_of(body) if "content-type" in body else lambda before: replaced(before, body)
    update_metadata(
        path=node.path,
        change=change,
        drop_revision=body.get("drop_revision") is True,
        update_tags=body.get("access_tags") is not None,
        principal=node.principal,
        expected=node.uuid,
    )


def _update_data_source(node: OpenedNode, frame: ReceivedFrame) -> None:
    scopes = (Scope.write_metadata, Scope.register)
    require(node.principal, *scopes)
    check_node(node.path, node.principal, *scopes)
    body = parse_json(frame.payload)
    if "data_source" not in body:
        raise Invalid("The payload must be a JSON object with the key 'data_source'.")
    replacement, header = parse_data_source(body["data_source"]), frame.header
    if replacement.id is None:
        # A producer that has just registered the node does not know the id of its only one.
        source = resolve(node.path).source
        replacement = replace(replacement, id=source.pk if source is not None else None)
    patch = None
    if header.offset is not None or header.shape is not None:
        patch = DataSourcePatch(required(header.offset, "offset"), required(header.shape, "shape"))
    update_data_source(
        path=node.path,
        replacement=replacement,
        patch=patch,
        partition=header.partition,
        expected=node.uuid,
    )


def parse_json(payload: memoryview) -> dict[str, Any]:
    """Return the JSON object in a payload. Raises Invalid, TooLarge."""
    try:
        value = orjson.loads(bounded_json(payload))
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Invalid("The payload must be a JSON object.")
    return value


def _token(node: OpenedNode, frame: ReceivedFrame) -> str:
    """Return a name of the frame that the stream remembers, so that it is appended once."""
    name = f"{node.producer} {frame.header.sequence}"
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
