"""The settings that a profile may have, and their types."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _is_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(item, (str, int, float)) for item in value.values()
    )


def _is_timeout(value: Any) -> bool:
    known = {"connection", "connect", "read", "write", "pool"}
    parts = value if isinstance(value, Mapping) else {"read": value}
    return set(parts) <= known and all(map(_is_number, parts.values()))


def _is_cache(value: Any) -> bool:
    checks = {
        "filepath": _is_text,
        "capacity": _is_size,
        "max_item_size": _is_size,
        "readonly": lambda value: isinstance(value, bool),
    }
    if not isinstance(value, Mapping):
        return isinstance(value, bool)
    return all(key in checks and checks[key](item) for key, item in value.items())


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value)


# Of each setting: the check of its value, and the type that an error message names.
KEYS: dict[str, tuple[Check, str]] = {
    "uri": (_is_text, "a URL such as http://localhost:8000"),
    "api_key": (_is_text, "a text; quote a key of digits only"),
    "headers": (_is_headers, "a mapping of header names to texts"),
    "verify": (lambda value: isinstance(value, (bool, str)), "true, false or a CA file"),
    "timeout": (_is_timeout, "a number of seconds, or those for 'connection' and 'read'"),
    "max_connections": (
        lambda value: isinstance(value, int) and _is_number(value),
        "a whole number of at least 1",
    ),
    "token_cache": (_is_text, "the path of a folder"),
    "structure_clients": (
        lambda value: isinstance(value, Mapping) or value in ("numpy", "dask"),
        '"numpy", "dask" or a mapping',
    ),
    "cache": (
        _is_cache,
        "true, false, or a mapping of filepath, capacity and max_item_size (bytes), and readonly",
    ),
    "direct": (lambda value: isinstance(value, Mapping), "a mapping"),
    "username": (_is_text, "a text"),
    "auth_provider": (_is_text, "a text"),
}


def check_key(key: str, value: Any) -> str | None:
    """Return why a setting is invalid, as a sentence; None if it is valid."""
    if key not in KEYS:
        close = difflib.get_close_matches(key, KEYS, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(KEYS))}."
        return f"Unknown setting {key!r}: {hint}"
    is_valid, wanted = KEYS[key]
    if is_valid(value):
        return None
    shown = "" if key in ("api_key", "headers") else f", not {value!r}"
    return f"{key!r} must be {wanted}{shown}."
