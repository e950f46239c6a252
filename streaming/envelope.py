"""The JSON form of a message, made from its msgpack form.

The same keys, and what they mean, plus `content-type` and a `payload` that JSON can say:

An array is said as `tiled_client.wire.plain` says; besides,

| tables | `{column: [values]}` |
| anything else | a `data:` text of the original's media type |
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import orjson

from tiled_client.wire.plain import OCTETS, data_uri, plain_array, plain_value
from tiled_client.wire.structures import ArrayStructure, Structure

from . import frames

logger = logging.getLogger(__name__)

ARROW = "application/vnd.apache.arrow.file"


def to_json(frame: bytes, structure: Structure | None) -> str:
    """The JSON form of a msgpack message of a node with this structure."""
    message = frames.decode(frame)
    payload = message.pop("payload", None)
    if payload is None:
        return dumps(message)
    message["content-type"] = "application/json"
    try:
        value = _plain(payload, message, structure)
        return dumps({**message, "payload": value})
    except (TypeError, ValueError, ArithmeticError, OSError) as error:
        # Whoever watches in JSON is to see the rest of the stream all the same.
        logger.warning("A payload has no JSON form, sent as data: %s", error)
        return dumps({**message, "payload": data_uri(payload, message["mimetype"])})


def dumps(message: dict[str, Any]) -> str:
    """A whole message, as the schema is, in JSON."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(message, default=plain_value, option=options).decode()


def _plain(payload: bytes, message: dict[str, Any], structure: Structure | None) -> Any:
    mimetype = message["mimetype"]
    if mimetype == OCTETS and isinstance(structure, ArrayStructure):
        array = np.frombuffer(payload, structure.dtype) if payload else np.empty(0, structure.dtype)
        return plain_array(array.reshape(message["shape"]))
    if mimetype == ARROW:
        return _columns(payload)
    return data_uri(payload, mimetype)


def _columns(payload: bytes) -> dict[str, list[Any]]:
    import pyarrow

    with pyarrow.ipc.open_file(pyarrow.py_buffer(payload)) as reader:
        table = reader.read_all()
    columns = zip(table.column_names, table.columns, strict=True)
    return {name: column.to_pylist() for name, column in columns}
