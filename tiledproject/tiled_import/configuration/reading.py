"""Read a configuration of Tiled: a YAML file, or a folder of them, with `${VARIABLES}`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import ImportRefused

MERGED = ("allow_origins", "specs", "trees")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def read_configuration(path: Path) -> dict[str, Any]:
    """Return the configuration at `path`, with variables expanded. Raises ImportRefused."""
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix in (".yml", ".yaml"))
        if not files:
            raise ImportRefused(f"--config {path} has no files that end with .yml or .yaml.")
    else:
        files = [path]
    merged: dict[str, Any] = {}
    for file in files:
        for key, value in _read(file).items():
            if key not in merged:
                merged[key] = value
            elif key in MERGED and isinstance(value, list):
                merged[key] = [*merged[key], *value]
            else:
                raise ImportRefused(f"--config: {key} is in two files of {path}; keep one.")
    return {str(key): _expanded(value) for key, value in merged.items()}


def _read(file: Path) -> Mapping[Any, Any]:
    try:
        found = yaml.safe_load(file.read_text())
    except OSError as error:
        raise ImportRefused(f"--config {file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ImportRefused(f"--config {file} is not YAML: {problem}.") from error
    if not isinstance(found or {}, Mapping):
        raise ImportRefused(f"--config {file} has no settings.")
    return found or {}


def _expanded(value: Any) -> Any:
    if isinstance(value, str):
        return VARIABLE.sub(lambda m: os.environ.get(m[1] or m[2], m[0]), value)
    if isinstance(value, list):
        return [_expanded(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _expanded(one) for key, one in value.items()}
    return value
