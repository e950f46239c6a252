"""Specs: names of the conventions that a node declares to follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import WireError


@dataclass(frozen=True, slots=True)
class Spec:
    """The name of a convention, and optionally its version."""

    name: str
    version: str | None = None

    @classmethod
    def from_json(cls, value: Any) -> Spec:
        """Read a JSON object, or a bare name. Raises WireError.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        Spec

        Raises
        ------
        WireError
            If the value is not valid.
        """
        if isinstance(value, str):
            return cls(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
            raise WireError(f"A spec must be a name, or an object with one, not {value!r}.")
        version = value.get("version")
        if version is not None and not isinstance(version, str):
            raise WireError(f"A spec's version must be null or a string, not {version!r}.")
        return cls(value["name"], version)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {"name": self.name, "version": self.version}
