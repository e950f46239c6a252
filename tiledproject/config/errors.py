"""Errors of settings, in one sentence: the setting, the reason, and the correction."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Origins = dict[tuple[str, str], str]
"""Where each setting (section, field) was written, as a phrase: "in /etc/tiled.yml"."""

# How the origin of a value from a secret file begins; such a value is never shown.
FROM_FILE = "from the file"
# The values of these settings are, or contain, passwords.
SECRET = {
    "uri",
    "replica_uri",
    "single_user_api_key",
    "secret_key",
    "secret_keys",
    "secret_access_key",
    "providers",
    "buckets",
}


class ConfigError(Exception):
    """A setting with which the server cannot start. The text is one sentence for the operator."""


def no_such_setting(name: str, origin: str, sections: Mapping[str, type[BaseModel]]) -> str:
    """Return the error message about an unknown section or setting."""
    section = name.partition(".")[0]
    if section in sections:
        known = [f"{section}.{field}" for field in sections[section].model_fields]
    else:
        known = list(sections)
    near = get_close_matches(name, known, n=1)
    right = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
    return f"There is no setting {name} ({origin}); {right}"


def explain(
    error: ValidationError, sections: Mapping[str, type[BaseModel]], origins: Origins
) -> list[str]:
    """Return one error message about each problem in `error`."""
    return [_explain(found, sections, origins) for found in error.errors()]


def _explain(found: ErrorDetails, sections: Mapping[str, type[BaseModel]], origins: Origins) -> str:
    section, field = str(found["loc"][0]), str(found["loc"][1]) if len(found["loc"]) > 1 else None
    reason = str(found.get("ctx", {}).get("error", ""))
    if field is None:
        written = sorted({where for name, where in origins.items() if name[0] == section})
        return f"{section}.{reason} ({', '.join(written)})."
    origin = origins.get((section, field), "left out")
    if reason:
        return f"{section}.{field} ({origin}) {reason}."
    hidden = field in SECRET or origin.startswith(FROM_FILE)
    value = "not right" if hidden else repr(found["input"])
    example = (sections[section].model_fields[field].examples or [""])[0]
    problem = found["msg"].removeprefix("Input ")
    if deeper := found["loc"][2:]:
        problem = f"at {'.'.join(map(str, deeper))}: {problem}"
    return f"{section}.{field} ({origin}) is {value}, and {problem}; write for example {example}."
