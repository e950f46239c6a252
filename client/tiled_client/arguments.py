"""Checks of arguments: each returns the value in its plain type, or raises with the remedy."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np


class Registry(Protocol):
    """A class whose instances have names, such as `TypedDict`."""

    __optional_keys__: frozenset[str]


def whole_number(value: Any, name: str, *, minimum: int | None = None) -> int:
    """Return an integer, also from a float without a fraction, or from an array of one element.

    Raises TypeError for other types, ValueError for a fraction or a number below `minimum`.
    """
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be an integer, not {reprlib.repr(value)}")
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise ValueError(f"{name} must be an integer, not {reprlib.repr(value)}")
    number = int(value) if isinstance(value, Integral) else int(float(value))
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, not {reprlib.repr(value)}")
    return number


def whole_numbers(value: Any, name: str, *, minimum: int | None = None) -> tuple[int, ...]:
    """Return integers from a sequence, or from one number. Raises TypeError, ValueError."""
    is_one = isinstance(value, (Real, str, bytes)) or getattr(value, "ndim", None) == 0
    if is_one or not isinstance(value, Iterable):
        return (whole_number(value, name, minimum=minimum),)
    return tuple(whole_number(item, name, minimum=minimum) for item in value)


def flag(value: Any, name: str) -> bool:
    """Return a boolean; 0 and 1 are booleans as well. Raises TypeError."""
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, Integral) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, not {reprlib.repr(value)}")


def positive_number(value: Any, name: str) -> float:
    """Return a number above 0. Raises TypeError, ValueError."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {reprlib.repr(value)}")
    number = float(value)
    if not number > 0:
        raise ValueError(f"{name} must be above 0, not {reprlib.repr(value)}")
    return number


def check_positive(options: Any, *names: str) -> None:
    """Raise TypeError or ValueError unless these attributes are numbers above 0."""
    for name in names:
        positive_number(getattr(options, name), name)


def check_not_negative(options: Any, *names: str) -> None:
    """Raise TypeError or ValueError unless these attributes are 0 or numbers above it."""
    for name in names:
        value = getattr(options, name)
        if value != 0:
            positive_number(value, name)


def names_of(value: Any, name: str) -> list[str]:
    """Return a list of names; a string is one name. Raises TypeError."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of names, not {reprlib.repr(value)}")
    found = list(value)
    for item in found:
        if not isinstance(item, str):
            raise TypeError(f"{name} must be names, but one of them is {item!r}")
    return [str(item) for item in found]


def is_scalar(value: Any) -> bool:
    """Return whether this is one number or string, and not several."""
    return isinstance(value, (str, bytes, Real))


def require_columns(names: Iterable[str], columns: Iterable[str]) -> None:
    """Raise KeyError if a table has no column of one of these names."""
    known = list(columns)
    for name in names:
        if name not in known:
            raise KeyError(f"there is no column {name!r}: the columns are {', '.join(known)}")


def mapping(value: Any, name: str) -> Mapping[Any, Any]:
    """Return a mapping. Raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} must be a mapping such as {{'color': 'red'}}, not {reprlib.repr(value)}"
        )
    return value


def node_key(value: Any) -> str:
    """Return the key of a new node. Raises TypeError, ValueError."""
    if not isinstance(value, str):
        raise TypeError(f"key must be a string, not {reprlib.repr(value)}")
    if not value.strip():
        raise ValueError(
            f"key must not be empty or white space, not {value!r}: leave it out for a random key"
        )
    if "/" in value:
        raise ValueError(
            f"key must not contain '/', as {value!r} does: create the node in its own container, "
            "as in client['a'].create_container('b')"
        )
    if len(value) > 1023:
        raise ValueError(f"key must have at most 1023 characters, not {len(value)}")
    return value


def dimension_names(dims: Any, ndim: int) -> tuple[str, ...] | None:
    """Return the names of the dimensions, None if there are none. Raises TypeError, ValueError."""
    if dims is None:
        return None
    names = names_of(dims, "dims")
    if not names:
        return None
    if len(names) != ndim:
        raise ValueError(
            f"dims must have one name for each of the {ndim} dimensions, not {names!r}"
        )
    if len(set(names)) < len(names):
        raise ValueError(f"dims must differ from each other, not {names!r}")
    return tuple(names)


def reject_unknown_fields(fields: Iterable[str], known: Registry) -> None:
    """Raise TypeError if one of the fields of a new node does not exist."""
    unknown = sorted(set(fields) - known.__optional_keys__)
    if unknown:
        raise TypeError(
            f"there is no argument {unknown[0]!r}: a new node has the arguments "
            f"{', '.join(sorted(known.__optional_keys__))}"
        )
