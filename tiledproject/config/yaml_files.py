"""Read a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigError


def read_yaml(path: Path) -> dict[Any, Any]:
    """Return the sections in the file; the file is YAML. Raises ConfigError."""
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(
            f"The configuration file {path} cannot be read ({error.strerror}); correct --config "
            "or TILED_CONFIG."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"The configuration file {path} is not YAML: {problem}.") from None
    if document is not None and not isinstance(document, dict):
        raise ConfigError(
            f"The configuration file {path} contains a {type(document).__name__}; write sections, "
            "such as `streaming_cache:` with `uri: redis://localhost:6379` below it."
        )
    return document or {}
