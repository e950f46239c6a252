"""Numpy dtypes in the wire format.

A plain type is `{endianness, kind, itemsize, dt_units}`; a structured one is
`{itemsize, fields: [{name, dtype, shape}]}`, recursively.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import WireError

ENDIANNESS = {"little": "<", "big": ">", "not_applicable": "|"}
KINDS = "biufcmMSUV"
UNITS = re.compile(r"\[(\d*)(Y|M|W|D|h|m|s|ms|us|μs|ns|ps|fs|as)\]")


@dataclass(frozen=True, slots=True)
class BuiltinDType:
    """A plain dtype. `itemsize` is in bytes (a `<U2` has 8); `dt_units` like `"[ns]"`, or None."""

    endianness: str
    kind: str
    itemsize: int
    dt_units: str | None = None

    @classmethod
    def from_numpy(cls, dtype: np.dtype[Any]) -> BuiltinDType:
        """Return the description of `dtype`; a structured one becomes kind `V`, without fields.

        Parameters
        ----------
        dtype
            A numpy dtype.

        Returns
        -------
        BuiltinDType

        Raises
        ------
        WireError
            If it has no equal here.
        """
        if dtype.kind not in KINDS:
            raise WireError(
                f"Arrays of dtype {dtype} cannot be sent: use one of numpy's fixed-size dtypes "
                f"(kinds {', '.join(KINDS)})."
            )
        units = None
        if dtype.kind in "mM":
            unit, count = np.datetime_data(dtype)
            if unit != "generic":
                units = f"[{count if count > 1 else ''}{unit}]"
        return cls(_endianness(dtype), dtype.kind, dtype.itemsize, units)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> BuiltinDType:
        """Read JSON. Raises WireError if it describes no numpy dtype.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        BuiltinDType

        Raises
        ------
        WireError
            If the value is not valid.
        """
        endianness = _required(value, "endianness", str)
        kind = _required(value, "kind", str)
        itemsize = _required(value, "itemsize", int)
        units = value.get("dt_units")
        if units is not None and not isinstance(units, str):
            raise WireError(f"dt_units must be null or a string like '[ns]', not {units!r}.")
        built = cls(endianness, kind, itemsize, units or None)
        built.to_numpy()
        return built

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {
            "endianness": self.endianness,
            "kind": self.kind,
            "itemsize": self.itemsize,
            "dt_units": self.dt_units,
        }

    def to_numpy(self) -> np.dtype[Any]:
        """Return the numpy dtype. Raises WireError if there is none.

        Returns
        -------
        numpy.dtype
            The dtype, byte order included.
        """
        if self.endianness not in ENDIANNESS:
            raise WireError(
                f"Unknown endianness {self.endianness!r}: use one of {', '.join(ENDIANNESS)}."
            )
        if self.kind not in KINDS or not self.kind:
            raise WireError(f"Unknown dtype kind {self.kind!r}: use one of {', '.join(KINDS)}.")
        if self.itemsize < 0 or (self.kind == "U" and self.itemsize % 4):
            raise WireError(f"A dtype of kind {self.kind!r} cannot have itemsize {self.itemsize}.")
        if self.dt_units and (self.kind not in "mM" or not UNITS.fullmatch(self.dt_units)):
            raise WireError(
                f"dt_units {self.dt_units!r} does not go with dtype kind {self.kind!r}."
            )
        size = self.itemsize // 4 if self.kind == "U" else self.itemsize
        text = f"{ENDIANNESS[self.endianness]}{self.kind}{size}{self.dt_units or ''}"
        try:
            return np.dtype(text)
        except (TypeError, ValueError, OverflowError) as error:
            raise WireError(f"Numpy has no dtype {text!r}.") from error


@dataclass(frozen=True, slots=True)
class Field:
    """One named field of a structured dtype; `shape` is that of a sub-array, or None."""

    name: str
    dtype: DType
    shape: tuple[int, ...] | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Field:
        """Read JSON. Raises WireError."""
        if not isinstance(value, Mapping):
            raise WireError(f"A dtype field must be an object with name and dtype, not {value!r}.")
        shape = value.get("shape")
        if shape is not None and not (
            isinstance(shape, (list, tuple)) and all(isinstance(n, int) and n >= 0 for n in shape)
        ):
            raise WireError(
                f"A dtype field's shape must be null or a list of sizes, not {shape!r}."
            )
        return cls(
            _required(value, "name", str),
            dtype_from_json(value.get("dtype")),
            tuple(shape) if shape else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value."""
        return {
            "name": self.name,
            "dtype": self.dtype.to_json(),
            "shape": list(self.shape) if self.shape else None,
        }


@dataclass(frozen=True, slots=True)
class StructDType:
    """A structured dtype; fields are packed unless `itemsize` says that it has trailing padding."""

    itemsize: int
    fields: tuple[Field, ...]

    @classmethod
    def from_numpy(cls, dtype: np.dtype[Any]) -> StructDType:
        """Return the description of `dtype`. Raises WireError if fields overlap or have gaps.

        Parameters
        ----------
        dtype
            A numpy dtype.

        Returns
        -------
        StructDType

        Raises
        ------
        WireError
            If it has no equal here.
        """
        fields = []
        end = 0
        for name in dtype.names or ():
            assert dtype.fields is not None
            field, offset = dtype.fields[name][:2]
            if offset != end:
                raise WireError(
                    f"The fields of {dtype} overlap or have padding between them, which cannot be "
                    "sent: use numpy.lib.recfunctions.repack_fields first."
                )
            end = offset + field.itemsize
            fields.append(Field(name, dtype_from_numpy(field.base), field.shape or None))
        return cls(dtype.itemsize, tuple(fields))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StructDType:
        """Read JSON. Raises WireError if it describes no numpy dtype.

        Parameters
        ----------
        value
            The JSON value, as the server sends it.

        Returns
        -------
        StructDType

        Raises
        ------
        WireError
            If the value is not valid.
        """
        fields = value.get("fields")
        if not isinstance(fields, (list, tuple)) or not fields:
            raise WireError("A structured dtype needs a list of at least one field.")
        built = cls(
            _required(value, "itemsize", int), tuple(Field.from_json(field) for field in fields)
        )
        built.to_numpy()
        return built

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value.

        Returns
        -------
        dict
            The JSON value.
        """
        return {"itemsize": self.itemsize, "fields": [field.to_json() for field in self.fields]}

    def to_numpy(self) -> np.dtype[Any]:
        """Return the numpy dtype. Raises WireError if there is none.

        Returns
        -------
        numpy.dtype
            The dtype, byte order included.
        """
        formats = [(field.dtype.to_numpy(), field.shape or ()) for field in self.fields]
        names = [field.name for field in self.fields]
        try:
            packed = np.dtype([(name, *spec) for name, spec in zip(names, formats, strict=True)])
            if packed.itemsize == self.itemsize:
                return packed
            offsets = [packed.fields[name][1] for name in names] if packed.fields else []
            return np.dtype(
                {
                    "names": names,
                    "formats": formats,
                    "offsets": offsets,
                    "itemsize": self.itemsize,
                }
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise WireError(f"Numpy has no such structured dtype: {error}.") from error


DType = BuiltinDType | StructDType


def dtype_from_numpy(dtype: np.dtype[Any]) -> DType:
    """Return the description of a numpy dtype. Raises WireError if it cannot be represented."""
    return StructDType.from_numpy(dtype) if dtype.names else BuiltinDType.from_numpy(dtype)


def dtype_from_json(value: Any) -> DType:
    """Read the JSON of a dtype, plain or structured. Raises WireError."""
    if not isinstance(value, Mapping):
        raise WireError(f"A data_type must be an object, not {value!r}.")
    return StructDType.from_json(value) if "fields" in value else BuiltinDType.from_json(value)


def _endianness(dtype: np.dtype[Any]) -> str:
    order = sys.byteorder if dtype.byteorder == "=" else dtype.byteorder
    return {"<": "little", ">": "big", "|": "not_applicable"}.get(order, order)


def _required(value: Mapping[str, Any], key: str, kind: type) -> Any:
    found = value.get(key)
    if not isinstance(found, kind) or isinstance(found, bool):
        raise WireError(f"A data_type needs {key!r} ({kind.__name__}), found {found!r}.")
    return found
