"""What a node declares itself to be: names of conventions that its content follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import WireError


@dataclass(frozen=True, slots=True)
class Spec:
    """A convention by name, and the version of it where that matters."""

    name: str
    version: str | None = None

    @classmethod
    def from_json(cls, value: Any) -> Spec:
        """Read the wire's form, or a bare name. Raises WireError."""
        if isinstance(value, str):
            return cls(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
            raise WireError(f"A spec must be a name, or an object with one, not {value!r}.")
        version = value.get("version")
        if version is not None and not isinstance(version, str):
            raise WireError(f"A spec's version must be null or a text, not {version!r}.")
        return cls(value["name"], version)

    def to_json(self) -> dict[str, Any]:
        """The wire's form."""
        return {"name": self.name, "version": self.version}
