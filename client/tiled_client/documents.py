"""Resource documents: the server's descriptions of nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import InvalidResponse
from .wire.data_sources import Asset, DataSource
from .wire.specs import Spec
from .wire.structure_family import StructureFamily
from .wire.structures import Structure, has_structure, structure_from_json

SpecLike = Spec | str | Mapping[str, Any]


@dataclass(slots=True)
class Resource:
    """The document of a node. `structure` is None for containers, and for unknown families.

    `adopted` is True if the node existed when the request to create it was repeated, so that
    another client may have created it. `node_id` is the server's identifier of the node, which
    another node at the same path does not have.
    """

    family: str
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: tuple[Spec, ...] = ()
    structure: Structure | None = None
    data_sources: tuple[DataSource, ...] | None = None
    access_tags: list[str] | None = None
    adopted: bool = False
    node_id: str | None = None

    @classmethod
    def from_json(cls, value: Any) -> Resource:
        """Read the server's document. Raises InvalidResponse."""
        try:
            attributes = value["attributes"]
            family = attributes["structure_family"]
            return cls(
                family=family,
                metadata=attributes.get("metadata") or {},
                specs=read_specs(attributes.get("specs") or ()),
                structure=read_structure(family, attributes.get("structure")),
                data_sources=read_data_sources(attributes.get("data_sources")),
                access_tags=attributes.get("access_tags"),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InvalidResponse(
                f"The server sent an invalid document of a node: {error}"
            ) from error


def read_structure(family: str, value: Any) -> Structure | None:
    """Return the structure of a node with data, or None for other families. Raises WireError."""
    if value is None or not has_structure(family):
        return None
    return structure_from_json(StructureFamily(family), value)


def read_specs(values: Iterable[SpecLike]) -> tuple[Spec, ...]:
    """Return specs given as names, JSON objects or `Spec`; one of these alone is one spec.

    Raises WireError, and TypeError for other types.
    """
    if isinstance(values, (str, Spec, Mapping)):
        values = (values,)
    if not isinstance(values, Iterable):
        raise TypeError(f"specs must be a list of names or of Spec, not {values!r}")
    return tuple(Spec.from_json(v.to_json() if isinstance(v, Spec) else v) for v in values)


def read_data_sources(values: Any) -> tuple[DataSource, ...] | None:
    """Return data sources from JSON, without the fields of newer servers. Raises WireError."""
    if values is None:
        return None
    return tuple(_data_source(value) for value in values)


def _data_source(value: Mapping[str, Any]) -> DataSource:
    family = StructureFamily(value["structure_family"])
    known = _known(DataSource, value)
    known.update(
        structure_family=family,
        structure=read_structure(family, value.get("structure")),
        assets=[Asset(**_known(Asset, asset)) for asset in value.get("assets") or ()],
    )
    return DataSource(**known)


def _known(cls: type[Asset] | type[DataSource], value: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: value[f.name] for f in fields(cls) if f.name in value}
