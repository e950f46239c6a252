"""Structure of awkward arrays: nested records, lists and options, as a form and its buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .chunks import is_size, read_object
from .errors import WireError


@dataclass(frozen=True, slots=True)
class AwkwardStructure:
    """Length and form of an awkward array; the form is in Awkward Array's JSON format."""

    length: int
    form: dict[str, Any]

    @classmethod
    def from_json(cls, value: Any) -> AwkwardStructure:
        """Read JSON; the form itself is not validated. Raises WireError.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        AwkwardStructure

        Raises
        ------
        WireError
            If the value is not valid.
        """
        value = read_object(value, "An awkward array's structure")
        length = value.get("length")
        if not is_size(length):
            raise WireError(f"length must be a non-negative integer, not {length!r}.")
        return cls(length, dict(read_object(value.get("form"), "An awkward array's form")))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {"length": self.length, "form": self.form}
