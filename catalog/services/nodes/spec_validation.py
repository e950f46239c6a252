"""Validate a node against its specs before it is stored."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from core.errors import BadRequest
from core.json_limits import check_json
from tiled_client.wire.specs import Spec
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure

from ...config import specs_settings
from ...models import Node
from ...specs import Candidate, Child, Validator
from ...specs.registry import known_specs
from .drafts import validate_metadata


def validate(
    *,
    metadata: dict[str, Any],
    specs: Iterable[dict[str, Any]],
    family: StructureFamily,
    structure: Structure | None,
    children: Callable[[], Iterable[Child]] = tuple,
) -> dict[str, Any]:
    """Return the metadata to store: those given, or as changed by the validators of `specs`.

    Raises BadRequest for a node that violates one of its specs, and for undeclared specs if the
    site rejects these (`specs.reject_undeclared`).
    """
    for value in specs:
        spec = Spec.from_json(value)
        validator = _validator(spec)
        if validator is not None:
            own = copy.deepcopy(metadata)
            changed = _run_validator(validator, Candidate(spec, own, family, structure, children))
            metadata = metadata if changed is None else _storable(changed)
    return metadata


def children_of(node: Node) -> Iterator[Child]:
    """Iterate over the children of `node`, for its validators."""
    found = Node.objects.filter(parent=node).select_related("data_source").order_by("pk")
    for child in found.defer("metadata", "specs").iterator():
        yield Child(child.key, child.family, child.structure)


def _validator(spec: Spec) -> Validator | None:
    known = known_specs()
    if spec.name not in known and specs_settings().reject_undeclared:
        raise BadRequest(f"Unrecognized spec: {spec.name}")
    return known.get(spec.name)


def _run_validator(validator: Validator, candidate: Candidate) -> Mapping[str, Any] | None:
    try:
        return validator(candidate)
    except ValueError as error:
        raise BadRequest(
            f"failed validation for the {candidate.spec.name} spec:\n{error}"
        ) from error


def _storable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a validator's metadata to plain JSON; it may hold numpy values and dates."""
    plain = orjson.loads(orjson.dumps(metadata, option=orjson.OPT_SERIALIZE_NUMPY))
    check_json(plain)
    return validate_metadata(plain)
