"""Read and write awkward arrays: buffers that are described by a form.

Length and form are fixed at creation; a write replaces all buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from core.errors import Conflict, Invalid
from tiled_client.wire import buffers
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily

from ...events import AwkwardWritten, announce
from ...models import Node
from ...storage import awkward
from ...storage.errors import MissingFile
from ..commits import event_transaction
from ..response_limits import check_response_bytes
from ..stores.files import StoredFile, file_store
from ..uploads import Upload
from .file_writes import WrittenFile, replace_files, writable_node


def write_full(*, path: str, upload: Upload) -> None:
    """Replace all buffers; `upload.content` is a ZIP file of them.

    Raises NotFound, NotSupported (external files), WireError (buffers that do not match the
    form).
    """
    members = buffers.unzip_members(upload.content)
    with writable_node(path, StructureFamily.awkward, upload) as writing:
        node = writing.node
        structure = awkward_structure(node)
        buffers.awkward_array(buffers.awkward_form(structure.form), structure.length, members)
        event = AwkwardWritten(
            node=node.ref,
            mimetype=upload.mimetype,
            length=structure.length,
            payload=upload.content,
            persisted=upload.persist,
            token=upload.token,
        )
        if upload.persist:
            _store(node, upload.content, event)
        else:
            announce(event)


def read_body(node: Node) -> bytes:
    """Return all buffers as the stored ZIP file. Raises Conflict (not written yet), BadRequest."""
    return _read(node, lambda content, _: bytes(content))


def read_buffers(node: Node, form_keys: Collection[str]) -> bytes:
    """Return a ZIP file of the buffers of some form nodes. Raises as `read_body` does."""
    return _read(
        node,
        lambda content, name: buffers.zip_members(awkward.parse_buffers(content, form_keys, name)),
    )


def read_awkward(node: Node) -> Any:
    """Return the `awkward.Array`. Raises as `read_body` does."""
    structure = awkward_structure(node)
    members = buffers.unzip_members(read_body(node))
    return buffers.awkward_array(buffers.awkward_form(structure.form), structure.length, members)


def read_items(node: Node, items: NDSlice) -> Any:
    """Return a range of items as an `awkward.Array` that has no others.

    Raises Invalid (an index, or more than one dimension), and as `read_body` does.
    """
    if len(items) != 1 or not isinstance(items[0], slice):
        raise Invalid("The slice of an awkward array must be one range of items, as in 100:120.")
    import awkward as ak

    return ak.to_packed(read_awkward(node)[items[0]])


def awkward_structure(node: Node) -> AwkwardStructure:
    """Return the structure of a node that is an awkward array."""
    structure = node.structure
    assert isinstance(structure, AwkwardStructure)
    return structure


def _store(node: Node, body: bytes, event: AwkwardWritten) -> None:
    assert node.source is not None
    written = file_store().write(node.uuid, awkward.file_name(), body)
    with event_transaction() as change:
        replace_files(node.source, node.source.asset_links.all(), [WrittenFile(written, 0)])
        change.record_event(event)


def _read(node: Node, read: Callable[[memoryview, str], bytes]) -> bytes:
    file = _file(node)
    try:
        content = file_store().read(file)
    except MissingFile:  # the file was replaced between the database query and the read
        file = _file(node)
        content = file_store().read(file)
    body = read(content, file.data_uri)
    check_response_bytes(len(body), "Request fewer buffers ('?form_key=...').")
    return body


def _file(node: Node) -> StoredFile:
    link = node.source.asset_links.first() if node.source else None
    if link is None:
        raise Conflict("Nothing has been written to this awkward array yet.")
    return StoredFile.of(node.uuid, link.asset)
