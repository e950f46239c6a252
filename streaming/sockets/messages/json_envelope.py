"""Convert a message from msgpack to JSON.

The keys and their meanings stay, `content-type` is added, and `payload` becomes a JSON value. For
arrays see `tiled_client.wire.json_values`; the others (docs/reference/streams.md has this table):

| tables | `{column: [values]}` |
| sparse arrays | like tables: `dim0`, `dim1`, ... hold the coordinates, `data` the values |
| ragged and awkward arrays | nested lists; records are objects, missing values are null |
| anything else | a `data:` URI of the original media type |

Source: docs/reference/tiled-protocol/streaming.md, The JSON envelope.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import orjson

from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import ZIP, awkward_array, awkward_form, ragged_array, unzip_members
from tiled_client.wire.dtypes import dtype_from_json
from tiled_client.wire.json_columns import column_to_json
from tiled_client.wire.json_values import (
    OCTETS,
    array_to_json,
    data_uri,
    json_default,
    nested_to_json,
)
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import DATA, SparseStructure, dim_names
from tiled_client.wire.structures import ArrayStructure, Structure

from ...protocol import message_codec

logger = logging.getLogger(__name__)

ARROW = "application/vnd.apache.arrow.file"


def to_json(frame: bytes, structure: Structure | None) -> bytes:
    """Return a msgpack message of a node with `structure` as JSON."""
    message = message_codec.decode(frame)
    payload = message.pop("payload", None)
    if payload is None:
        return dumps(message)
    message["content-type"] = "application/json"
    try:
        value = _json_payload(payload, message, structure)
        return dumps({**message, "payload": value})
    except (TypeError, ValueError, ArithmeticError, OSError) as error:
        # One payload that cannot be converted must not end the subscription.
        logger.warning("Cannot convert a payload to JSON; sending it as a data: URI: %s", error)
        return dumps({**message, "payload": data_uri(payload, message["mimetype"])})


def dumps(message: dict[str, Any] | list[Any]) -> bytes:
    """Encode a complete message, such as the schema, as JSON."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(message, default=json_default, option=options)


def _json_payload(payload: bytes, message: dict[str, Any], structure: Structure | None) -> Any:
    mimetype = message["mimetype"]
    if mimetype == OCTETS and isinstance(structure, ArrayStructure):
        reduced = message.get("data_type")
        dtype = structure.dtype if reduced is None else dtype_from_json(reduced).to_numpy()
        array = np.frombuffer(payload, dtype) if payload else np.empty(0, dtype)
        return array_to_json(array.reshape(message["shape"]))
    if mimetype == ARROW:
        return _columns(payload, structure)
    if isinstance(structure, RaggedStructure):
        if mimetype == ZIP:
            return nested_to_json(ragged_array(payload))
        return orjson.loads(payload)
    if isinstance(structure, AwkwardStructure):
        form, members = awkward_form(structure.form), unzip_members(payload)
        return nested_to_json(awkward_array(form, structure.length, members))
    return data_uri(payload, mimetype)


def _columns(payload: bytes, structure: Structure | None) -> dict[str, list[Any]]:
    import pyarrow

    with pyarrow.ipc.open_file(pyarrow.py_buffer(payload)) as reader:
        table = reader.read_all()
    if isinstance(structure, SparseStructure):
        table = table.select([*dim_names(len(structure.shape)), DATA])
    columns = zip(table.column_names, table.columns, strict=True)
    return {name: column_to_json(column) for name, column in columns}
