"""The settings, as they are declared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from tiledproject.config.settings_model import SECTIONS
from tiledproject.servers.serve_options import LABELS

from .markdown import code

OPTIONS = {
    **LABELS,
    "TILED_AUTHENTICATION_SINGLE_USER_API_KEY": "--api-key",
    "TILED_AUTHENTICATION_ALLOW_ANONYMOUS_ACCESS": "--public",
}


def settings() -> Iterator[str]:
    """One heading for each section, and one for each setting in it."""
    for name, section in SECTIONS.items():
        yield f"## `{name}`\n"
        yield f"{section.__doc__}\n"
        for field_name, field in section.model_fields.items():
            variable = f"TILED_{name.upper()}_{field_name.upper()}"
            ways = [code(variable)]
            if option := OPTIONS.get(variable):
                ways.append(code(option))
            yield f"### `{name}.{field_name}`\n"
            yield f"{field.description}\n"
            yield f"Default: {_default(field)}. Also: {', '.join(ways)}."
            yield f"Example: `{(field.examples or [''])[0]}`\n"


def _default(field: Any) -> str:
    if field.default is PydanticUndefined or isinstance(field.default, Path):
        return "see above"
    if field.default in (None, []):
        return "none"
    return code(str(field.default).lower() if isinstance(field.default, bool) else field.default)
