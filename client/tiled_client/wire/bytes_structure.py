"""Data without a structure: the bytes of files, whatever they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import WireError


@dataclass(frozen=True, slots=True)
class BytesStructure:
    """Nothing is said of bytes but that they are there."""

    @classmethod
    def from_json(cls, value: Any) -> BytesStructure:
        """Read the wire's form: an object, or null. Raises WireError."""
        if value is not None and not isinstance(value, Mapping):
            raise WireError(f"The structure of bytes must be an empty object, not {value!r:.80}.")
        return cls()

    def to_json(self) -> dict[str, Any]:
        """The wire's form."""
        return {}
