"""The site's settings: one typed object, from a YAML file and the environment.

Each package declares its own section; this module composes them and is the only one that reads the
environment. `TILED_CONFIG` names the file; `TILED_<SECTION>_<FIELD>` sets one setting and takes
precedence over the file. Any mistake becomes a ConfigError of one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from access.config import AuthenticationSettings
from catalog.config import DatabaseSettings, ExportSettings, SpecsSettings, StorageSettings
from core.bounds import BoundsSettings
from streaming.config import StreamingCacheSettings

from .budgets import BudgetSettings
from .errors import ConfigError, Origins, explain, no_such_setting
from .locations import default_data_dir
from .logs import LogSettings
from .renamed_settings import RENAMED, RenamedSettings
from .server import ServerSettings

PATHS = {
    ("server", "data_dir"),
    ("storage", "directory"),
    ("storage", "readable"),
    ("logs", "audit_file"),
}
SHORT_NAMES = {"TILED_SINGLE_USER_API_KEY": ("authentication", "single_user_api_key")}


Values = dict[str, dict[str, Any]]
"""Section to field to value, before validation."""


class Settings(BaseModel):
    """All settings of this site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Django looks this attribute up on every access to a setting; a missing attribute takes
    # pydantic microseconds to report.
    _mask_wrapped: ClassVar[bool] = True
    _deprecated_names: tuple[str, ...] = PrivateAttr(default=())

    server: ServerSettings
    logs: LogSettings
    budgets: BudgetSettings
    database: DatabaseSettings
    storage: StorageSettings
    specs: SpecsSettings
    export: ExportSettings
    bounds: BoundsSettings
    streaming_cache: StreamingCacheSettings
    authentication: AuthenticationSettings

    @property
    def deprecated_names(self) -> tuple[str, ...]:
        """One sentence for each setting that was written under its old name."""
        return self._deprecated_names


SECTIONS: dict[str, type[BaseModel]] = {
    "server": ServerSettings,
    "logs": LogSettings,
    "budgets": BudgetSettings,
    "database": DatabaseSettings,
    "storage": StorageSettings,
    "specs": SpecsSettings,
    "export": ExportSettings,
    "bounds": BoundsSettings,
    "streaming_cache": StreamingCacheSettings,
    "authentication": AuthenticationSettings,
}


def load(environment: Mapping[str, str], labels: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `environment` and in the file that it names; change nothing.

    `labels` maps a variable to the command-line option that it comes from, for error messages.
    Raises ConfigError.
    """
    values: Values = {name: {} for name in SECTIONS}
    origins: Origins = {}
    renamed = RenamedSettings()
    if path := environment.get("TILED_CONFIG"):
        _merge_file(Path(path), values, origins, renamed)
    _merge_environment(environment, labels or {}, values, origins, renamed)
    _fill_in_paths(values)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, SECTIONS, origins)) from None
    settings._deprecated_names = renamed.warnings()
    return settings


def _merge_file(path: Path, values: Values, origins: Origins, renamed: RenamedSettings) -> None:
    origin = f"in {path}"
    document = _read_yaml(path)
    for section, fields in document.items():
        if section not in SECTIONS:
            raise ConfigError(no_such_setting(str(section), origin, SECTIONS))
        if not isinstance(fields, dict):
            raise ConfigError(
                f"{section} in {path} is {fields!r}; write its settings below it, indented, "
                "each as `name: value`."
            )
        for field, value in fields.items():
            name = renamed.translate(section, str(field), origin)
            renamed.check_written_once(name, origins, origin)
            values[section][name[1]] = _absolute(name, value, path.parent)
            origins[name] = origin


def _read_yaml(path: Path) -> dict[Any, Any]:
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


def _merge_environment(
    environment: Mapping[str, str],
    labels: Mapping[str, str],
    values: Values,
    origins: Origins,
    renamed: RenamedSettings,
) -> None:
    # In order, so that the new name of a renamed setting wins, whichever was exported first.
    for variable, text in sorted(environment.items(), key=lambda item: _is_current(item[0])):
        written = SHORT_NAMES.get(variable) or _setting_of(variable)
        if written is None or text == "":
            continue
        name = section, field = renamed.translate(*written, f"from {variable}")
        if field not in SECTIONS[section].model_fields:
            raise ConfigError(
                no_such_setting(f"{section}.{field}", f"in the environment, {variable}", SECTIONS)
            )
        value = _parse(SECTIONS[section], field, text)
        values[section][field] = _absolute(name, value, Path.cwd())
        origins[name] = f"from {labels.get(variable, variable)}"


def _is_current(variable: str) -> bool:
    """Return whether a variable does not have the old name of a renamed setting."""
    return _setting_of(variable) not in RENAMED


def _setting_of(variable: str) -> tuple[str, str] | None:
    """Return the section and field that a variable sets; None for another program's variable."""
    for section in SECTIONS:
        prefix = f"TILED_{section.upper()}_"
        if variable.startswith(prefix):
            return section, variable.removeprefix(prefix).lower()
    return None


def _parse(section: type[BaseModel], field: str, text: str) -> Any:
    """Parse a variable: lists from JSON or commas, mappings from YAML; pydantic reads the rest."""
    default = section.model_fields[field].default
    if isinstance(default, dict):
        return _mapping(text)
    if not isinstance(default, list):
        return text
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _mapping(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _absolute(name: tuple[str, str], value: Any, base: Path) -> Any:
    """Make a path absolute: relative to `base`, the configuration file's or the current folder."""
    if name == ("database", "uri") and isinstance(value, str):
        scheme, separator, path = value.partition(":///")
        if separator and scheme.startswith("sqlite") and path and not path.startswith("/"):
            return f"{scheme}:///{base.absolute() / path}"
    if name not in PATHS:
        return value
    if isinstance(value, list):
        return [_absolute(name, item, base) for item in value]
    return str(base.absolute() / Path(value).expanduser()) if isinstance(value, str) else value


def _fill_in_paths(values: Values) -> None:
    """Put the database and the storage into the data directory unless they are set."""
    folder = Path(str(values["server"].get("data_dir", default_data_dir())))
    values["database"].setdefault("uri", f"sqlite:///{folder / 'catalog.db'}")
    values["storage"].setdefault("directory", str(folder / "storage"))
