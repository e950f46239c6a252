"""Parse and validate the description of a new node before anything is touched."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.bounds import bounds, exceeded
from core.errors import Invalid, TooLarge, UnsupportedMedia
from core.json_limits import json_size
from tiled_client.wire.data_sources import DataSource
from tiled_client.wire.structure_family import Management, StructureFamily

from ...models import KEY_LENGTH
from ...storage import external
from ..limits import check_asset, check_structure
from .tags import parse_tags

UNKNOWN_MIMETYPE = (
    "The given data source mimetype, {}, is not one that the Tiled server knows how to read."
)
MAX_SPECS = 20
SPEC_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Draft:
    """A node that does not exist yet. `data_source` is None for a plain container.

    Without `tags` it gets those of its owner.
    """

    key: str
    family: StructureFamily
    metadata: dict[str, Any]
    specs: list[dict[str, Any]]
    data_source: DataSource | None
    tags: list[str] | None = None

    @classmethod
    def from_json(cls, body: Any) -> Draft:
        """Parse a request's body. Raises Invalid, or WireError for the data source."""
        if not isinstance(body, Mapping):
            raise Invalid("The body must be a JSON object that describes the new node.")
        family, key = parse_family(body.get("structure_family")), body.get("id")
        return cls(
            key=str(uuid.uuid4()) if key is None or key == "" else validate_key(key),
            family=family,
            metadata=validate_metadata(_given(body, "metadata", {})),
            specs=parse_specs(_given(body, "specs", [])),
            tags=parse_tags(body.get("access_tags")),
            data_source=_single_source(family, _given(body, "data_sources", [])),
        )


def parse_data_source(value: Any) -> DataSource:
    """Return a data source that can be stored. Raises Invalid, UnsupportedMedia, or WireError."""
    if isinstance(value, Mapping) and value.get("structure") is None:
        _check_mimetype(value)
    source = DataSource.from_json(value)
    if len(source.assets) > bounds().assets:
        raise Invalid(exceeded("Assets of a data source", len(source.assets), "assets"))
    for name in ("parameters", "properties"):
        if (size := json_size(getattr(source, name))) > bounds().metadata:
            raise TooLarge(exceeded(f"Bytes of {name} of a data source", size, "metadata"))
    check_structure(source.structure)
    for asset in source.assets:
        check_asset(asset)
    return source


def _check_mimetype(value: Mapping[str, Any]) -> None:
    """Raise UnsupportedMedia for an unknown format, before its missing structure is reported."""
    family, mimetype = value.get("structure_family"), value.get("mimetype")
    described = value.get("assets") or value.get("management") == Management.external
    if not described or not isinstance(mimetype, str) or family not in external.FAMILIES:
        return
    if mimetype not in external.mimetypes(StructureFamily(family)):
        raise UnsupportedMedia(UNKNOWN_MIMETYPE.format(mimetype))


def parse_family(value: Any) -> StructureFamily:
    """Return the family of that name. Raises Invalid."""
    try:
        return StructureFamily(value)
    except ValueError as error:
        known = ", ".join(StructureFamily)
        raise Invalid(f"structure_family must be one of {known}, not {value!r}.") from error


def validate_key(key: Any) -> str:
    """Return `key` if a path can hold it. Raises Invalid."""
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH:
        raise Invalid(f"A key must be a string of 1 to {KEY_LENGTH} characters, not {key!r}.")
    if "/" in key or "\0" in key or key in {".", ".."}:
        raise Invalid(
            f"The key {key!r} cannot be part of a path: a key must not contain '/' or a NUL, nor "
            "be '.' or '..'."
        )
    return key


def validate_metadata(metadata: Any) -> dict[str, Any]:
    """Return metadata that can be stored. Raises Invalid and TooLarge."""
    if not isinstance(metadata, dict):
        raise Invalid(f"metadata must be a JSON object, not {metadata!r:.80}.")
    if (size := json_size(metadata)) > bounds().metadata:
        raise TooLarge(exceeded("Bytes of metadata", size, "metadata"))
    return metadata


def parse_specs(specs: Any) -> list[dict[str, Any]]:
    """Return specs as `{name, version}`, accepting bare names. Raises Invalid."""
    if not isinstance(specs, list):
        raise Invalid(f"specs must be a list of objects with name and version, not {specs!r:.80}.")
    if len(specs) > MAX_SPECS:
        raise Invalid(f"A node has at most {MAX_SPECS} specs, not {len(specs)}.")
    checked = [_checked_spec(spec) for spec in specs]
    if len({(spec["name"], spec["version"]) for spec in checked}) < len(checked):
        raise Invalid("A node cannot have non-unique specs: give each name and version once.")
    return checked


def _checked_spec(spec: Any) -> dict[str, Any]:
    spec = {"name": spec} if isinstance(spec, str) else spec
    if not isinstance(spec, dict):
        raise Invalid(f"A spec must be an object with name and version, not {spec!r:.80}.")
    name, version = spec.get("name"), spec.get("version")
    if not isinstance(name, str) or not 0 < len(name) <= SPEC_LENGTH:
        raise Invalid(f"A spec's name must be a string of 1 to {SPEC_LENGTH} characters.")
    if version is not None and not (isinstance(version, str) and len(version) <= SPEC_LENGTH):
        raise Invalid(
            f"A spec's version must be null or a string of at most {SPEC_LENGTH} characters."
        )
    return {"name": name, "version": version}


def _given(body: Mapping[str, Any], name: str, default: Any) -> Any:
    value = body.get(name)
    return default if value is None else value


def _single_source(family: StructureFamily, sources: Any) -> DataSource | None:
    if not isinstance(sources, list):
        raise Invalid("data_sources must be a list.")
    if family is StructureFamily.container and not sources:
        return None
    if len(sources) != 1:
        raise Invalid(f"A node of family {family.value} has one data source, not {len(sources)}.")
    source = parse_data_source(sources[0])
    if source.structure_family is not family:
        raise Invalid(
            f"The node's family is {family.value}, but its data source's is "
            f"{StructureFamily(source.structure_family).value}."
        )
    return source
