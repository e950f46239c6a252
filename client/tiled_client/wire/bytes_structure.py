"""Structure of raw bytes: files of any content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import WireError


@dataclass(frozen=True, slots=True)
class BytesStructure:
    """The empty structure of raw bytes."""

    @classmethod
    def from_json(cls, value: Any) -> BytesStructure:
        """Read a JSON object, or null. Raises WireError."""
        if value is not None and not isinstance(value, Mapping):
            raise WireError(f"The structure of bytes must be an empty object, not {value!r:.80}.")
        return cls()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value."""
        return {}
