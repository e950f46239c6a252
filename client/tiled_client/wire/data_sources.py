"""Data sources of nodes, and their assets: how and in which files data are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import WireError
from .structure_family import Management, StructureFamily
from .structures import Structure, structure_from_json


@dataclass(slots=True)
class Asset:
    """A file or folder. `parameter` is its role (`data_uri`, `data_uris`), `num` its position."""

    data_uri: str
    is_directory: bool
    parameter: str | None = None
    num: int | None = None
    size: int | None = None
    id: int | None = None

    @classmethod
    def from_json(cls, value: Any) -> Asset:
        """Read JSON. Raises WireError.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        Asset

        Raises
        ------
        WireError
            If the value is not valid.
        """
        if not isinstance(value, Mapping):
            raise WireError(f"An asset must be an object, not {value!r}.")
        _reject_unknown_fields(value, cls, "asset")
        if not isinstance(value.get("data_uri"), str) or not value["data_uri"]:
            raise WireError("An asset needs a data_uri, as in file://localhost/data/frame.tiff.")
        if not isinstance(value.get("is_directory"), bool):
            raise WireError("An asset needs is_directory: true or false.")
        for key, kind in (("parameter", str), ("num", int), ("size", int), ("id", int)):
            if value.get(key) is not None and not isinstance(value[key], kind):
                raise WireError(f"An asset's {key} must be null or of type {kind.__name__}.")
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {
            "data_uri": self.data_uri,
            "is_directory": self.is_directory,
            "size": self.size,
            "parameter": self.parameter,
            "num": self.num,
            "id": self.id,
        }


@dataclass(slots=True)
class DataSource:
    """How the data of a node are stored; without a `mimetype`, the server allocates storage."""

    structure_family: StructureFamily
    structure: Structure | None
    mimetype: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    assets: list[Asset] = field(default_factory=list)
    management: Management = Management.writable
    id: int | None = None

    @classmethod
    def from_json(cls, value: Any) -> DataSource:
        """Read JSON. Raises WireError, also for unknown fields.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        DataSource

        Raises
        ------
        WireError
            If the value is not valid.
        """
        if not isinstance(value, Mapping):
            raise WireError(f"A data source must be an object, not {value!r}.")
        _reject_unknown_fields(value, cls, "data source")
        try:
            family = StructureFamily(str(value.get("structure_family")))
            management = Management(value.get("management") or Management.writable)
        except ValueError as error:
            raise WireError(f"Invalid data source: {error}.") from error
        for key in ("parameters", "properties"):
            if not isinstance({} if value.get(key) is None else value[key], Mapping):
                raise WireError(f"A data source's {key} must be an object.")
        if not isinstance([] if value.get("assets") is None else value["assets"], (list, tuple)):
            raise WireError("A data source's assets must be a list.")
        mimetype, identifier = value.get("mimetype"), value.get("id")
        if mimetype is not None and not isinstance(mimetype, str):
            raise WireError(f"A data source's mimetype must be null or a string, not {mimetype!r}.")
        if identifier is not None and not isinstance(identifier, int):
            raise WireError(f"A data source's id must be null or an integer, not {identifier!r}.")
        return cls(
            structure_family=family,
            structure=(
                None
                if family is StructureFamily.container
                else structure_from_json(family, value.get("structure"))
            ),
            mimetype=mimetype,
            parameters=dict(value.get("parameters") or {}),
            properties=dict(value.get("properties") or {}),
            assets=[Asset.from_json(asset) for asset in value.get("assets") or ()],
            management=management,
            id=identifier,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {
            "id": self.id,
            "structure_family": StructureFamily(self.structure_family).value,
            "structure": self.structure.to_json() if self.structure else None,
            "mimetype": self.mimetype,
            "parameters": self.parameters,
            "properties": self.properties,
            "assets": [asset.to_json() for asset in self.assets],
            "management": Management(self.management).value,
        }


def _reject_unknown_fields(value: Mapping[str, Any], cls: type, name: str) -> None:
    unknown = sorted(set(value) - set(cls.__dataclass_fields__))  # type: ignore[attr-defined]
    if unknown:
        raise WireError(f"A {name} has no field {unknown[0]!r}.")
