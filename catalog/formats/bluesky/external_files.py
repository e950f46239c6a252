"""Arrays in external files as the documents that they were registered from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tiled_client.wire.structures import ArrayStructure

from ...models import DataSource
from ...services.nodes.subtrees import Subtree

URI_PARAMETERS = {"data_uri", "data_uris"}


def stream_resource(
    descriptor: Mapping[str, Any], start: Mapping[str, Any], part: Subtree
) -> dict[str, Any]:
    """Return the stream resource: the location of the files, and how to read them."""
    source = _source(part)
    stacked, _ = _frames(descriptor, part)
    parameters = {**source.parameters}
    parameters.setdefault("join_method", "stack" if stacked else "concat")
    uri = _uri(source, parameters)
    return {
        "data_key": part.key,
        "uid": _uid(descriptor, part),
        "run_start": start.get("uid"),
        "mimetype": source.mimetype,
        "parameters": parameters,
        "uri": uri,
    }


def stream_datum(descriptor: Mapping[str, Any], part: Subtree) -> dict[str, Any]:
    """Return the stream datum: all frames in the files, from the first event on."""
    _, count = _frames(descriptor, part)
    first = _first_number(descriptor, part)
    return {
        "uid": f"sd-{descriptor.get('uid')}-{part.key}-0",
        "stream_resource": _uid(descriptor, part),
        "descriptor": descriptor.get("uid"),
        "indices": {"start": first, "stop": first + count},
        "seq_nums": {"start": first + 1, "stop": first + count + 1},
    }


def template_of(uris: Sequence[str]) -> tuple[str, str, int] | None:
    """Return folder, template and first number of consecutively numbered file URIs.

    None if they are not consecutive.
    """
    folder = uris[0][: uris[0].rfind("/") + 1]
    names = [uri.removeprefix(folder) for uri in uris]
    for found in re.finditer(r"\d+", names[0]):
        digits, first = len(found[0]), int(found[0])
        around = names[0][: found.start()], names[0][found.end() :]
        head, tail = (text.replace("%", "%%") for text in around)
        template = f"{head}%0{digits}d{tail}"
        if all(name == template % (first + n) for n, name in enumerate(names)):
            return folder, template, first
    return None


def _source(part: Subtree) -> DataSource:
    source = part.node.source
    assert source is not None
    return source


def _uid(descriptor: Mapping[str, Any], part: Subtree) -> str:
    return f"sr-{descriptor.get('uid')}-{part.key}"


def _uris(source: DataSource) -> list[str]:
    assets = source.wire_assets()
    named = [asset.data_uri for asset in assets if asset.parameter in URI_PARAMETERS]
    return named or [asset.data_uri for asset in assets]


def _uri(source: DataSource, parameters: dict[str, Any]) -> str:
    """Return the URI of the files; set a template in `parameters` for several numbered files."""
    uris = _uris(source)
    found = template_of(uris) if len(uris) > 1 and "template" not in parameters else None
    if found is None:
        return uris[0] if uris else ""
    parameters["template"] = found[1]
    parameters.setdefault("chunk_shape", [1])
    return found[0]


def _shape_of_one(descriptor: Mapping[str, Any], part: Subtree) -> tuple[int, ...]:
    described = (descriptor.get("data_keys") or {}).get(part.key) or {}
    return tuple(size or 1 for size in described.get("shape") or ())


def _frames(descriptor: Mapping[str, Any], part: Subtree) -> tuple[bool, int]:
    """Return whether each event adds a dimension, and the number of events in the files."""
    structure = part.structure
    shape = structure.shape if isinstance(structure, ArrayStructure) else ()
    one = _shape_of_one(descriptor, part)
    if not shape or not one or len(shape) == len(one) + 1:
        return True, shape[0] if shape else 0
    return False, shape[0] // max(one[0], 1)


def _first_number(descriptor: Mapping[str, Any], part: Subtree) -> int:
    """Return the index of the first event, which the number of the first file implies."""
    source, one = _source(part), _shape_of_one(descriptor, part)
    uris = _uris(source)
    if len(uris) < 2 or "template" in source.parameters:
        return 0
    found = template_of(uris)
    return found[2] // one[0] if found and one else 0
