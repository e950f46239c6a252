"""The site's settings: one typed object, from a YAML file and the environment.

Each room declares its own section; this module composes them and is the only one that reads the
environment. `TILED_CONFIG` names the file; `TILED_<SECTION>_<FIELD>` gives one setting and wins
over the file. Whatever is wrong becomes a ConfigError of one sentence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    ValidationError,
    field_validator,
)

from access.config import AuthenticationSettings
from catalog.config import DatabaseSettings, ExportSettings, SpecsSettings, StorageSettings
from core.bounds import BoundsSettings
from streaming.config import StreamingCacheSettings

from .budgets import BudgetSettings
from .errors import ConfigError, Origins, explain, no_such_setting

PROJECT = Path(__file__).resolve().parents[2]
ORIGIN = re.compile(r"https?://[^/\s,*]+")
PATHS = {("server", "data_folder"), ("storage", "directory"), ("storage", "readable")}
SHORT_NAMES = {"TILED_SINGLE_USER_API_KEY": ("authentication", "single_user_api_key")}


class ServerSettings(BaseModel):
    """How the server listens, and where it keeps what it writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on; `0.0.0.0` for every network.",
        examples=["127.0.0.1"],
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        description="The port to listen on; 0 takes a free one and prints it.",
        examples=["8000"],
    )
    workers: int = Field(
        default_factory=lambda: min(os.cpu_count() or 1, 4),
        ge=1,
        description="How many worker processes `serve` runs. Left out, one for each processor, "
        "at most four.",
        examples=["4"],
    )
    allowed_hosts: list[str] = Field(
        default=[],
        description="Names that clients may call the server by, besides those of this machine: "
        "the public name, behind a proxy.",
        examples=["[tiled.example.org]"],
    )
    trusted_proxies: list[IPvAnyNetwork] = Field(
        default=["127.0.0.1", "::1"],
        validate_default=True,
        description="Addresses or networks of proxies that are believed what they say of their "
        "clients in `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto`. From anybody "
        "else these headers are ignored. Left out, this machine.",
        examples=["[127.0.0.1, 10.1.0.0/24]"],
    )
    allow_origins: list[str] = Field(
        default=[],
        description="Sites whose pages may use this one in their visitors' browsers, each with its "
        "scheme, as in `https://viewer.example.org`; `*` for all, which then bring no cookies.",
        examples=["[https://viewer.example.org]"],
    )
    tls: bool = Field(
        default=False,
        description="Whether clients reach the server over TLS, which a proxy speaks: cookies are "
        "then sent over nothing else, and pages lead there.",
        examples=["true"],
    )
    hsts_seconds: int = Field(
        default=0,
        ge=0,
        description="For how many seconds browsers are to use nothing but TLS after each visit; "
        "it takes `tls`.",
        examples=["31536000"],
    )
    data_folder: Path = Field(
        default=PROJECT / "data",
        description="The folder for the database, the storage and the keys, where these are not "
        "set on their own. Left out, `data` in the project.",
        examples=["/srv/tiled"],
    )
    largest_body: int = Field(
        default=1 << 32,
        ge=1 << 20,
        description="The most bytes that one request may bring; larger data is written in pieces. "
        "While it arrives it waits in a file in the storage folder.",
        examples=["4294967296"],
    )
    secret_key: str | None = Field(
        default=None,
        min_length=32,
        description="What Django signs sessions with. Left out, a random one is made at the first "
        "start and kept in the file `secret_key` of the data folder.",
        examples=["50 random characters"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="How much is told on standard error.",
        examples=["info"],
    )
    debug: bool = Field(
        default=False,
        description="Whether errors are shown to the client with all their detail. For developers.",
        examples=["false"],
    )

    silenced_checks: list[str] = Field(
        default=[],
        description="Ids of findings of `manage.py check --deploy` that are accepted here, so that "
        "they are not reported and do not stop the start.",
        examples=["[tiled.E004]"],
    )

    @field_validator("allow_origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if origin != "*" and ORIGIN.fullmatch(origin) is None:
                raise ValueError(
                    f"has {origin!r}; write the scheme and the name, and nothing after it, as in "
                    "https://viewer.example.org"
                )
        return origins


class Settings(BaseModel):
    """All settings of this site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Django looks for this on every setting, each time; pydantic takes microseconds to say that
    # there is none.
    _mask_wrapped: ClassVar[bool] = True

    server: ServerSettings
    budgets: BudgetSettings
    database: DatabaseSettings
    storage: StorageSettings
    specs: SpecsSettings
    export: ExportSettings
    bounds: BoundsSettings
    streaming_cache: StreamingCacheSettings
    authentication: AuthenticationSettings


SECTIONS: dict[str, type[BaseModel]] = {
    "server": ServerSettings,
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
    """The settings that `environment`, and the file it names, ask for. Touches nothing.

    `labels` says how the user wrote a variable, when it was not as a variable (an option).
    Raises ConfigError.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    origins: Origins = {}
    if path := environment.get("TILED_CONFIG"):
        _merge_file(Path(path), values, origins)
    _merge_environment(environment, labels or {}, values, origins)
    _fill_in_paths(values, origins)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, SECTIONS, origins)) from None


def _merge_file(path: Path, values: dict[str, dict[str, Any]], origins: Origins) -> None:
    document = _read_yaml(path)
    for section, fields in document.items():
        if section not in SECTIONS:
            raise ConfigError(no_such_setting(str(section), f"in {path}", SECTIONS))
        if not isinstance(fields, dict):
            raise ConfigError(
                f"{section} in {path} is {fields!r}; write its settings below it, indented, "
                "each as `name: value`."
            )
        for field, value in fields.items():
            values[section][str(field)] = _absolute((section, str(field)), value, path.parent)
            origins[section, str(field)] = f"in {path}"


def _read_yaml(path: Path) -> dict[Any, Any]:
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(
            f"The configuration file {path} cannot be read ({error.strerror}); name one that is "
            "there, with --config or TILED_CONFIG."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"The configuration file {path} is not YAML: {problem}.") from None
    if document is not None and not isinstance(document, dict):
        raise ConfigError(
            f"The configuration file {path} holds a {type(document).__name__}; write sections, "
            "such as `streaming_cache:` with `uri: redis://localhost:6379` below it."
        )
    return document or {}


def _merge_environment(
    environment: Mapping[str, str],
    labels: Mapping[str, str],
    values: dict[str, dict[str, Any]],
    origins: Origins,
) -> None:
    for variable, text in environment.items():
        name = SHORT_NAMES.get(variable) or _setting_of(variable)
        if name is None or text == "":
            continue
        section, field = name
        if field not in SECTIONS[section].model_fields:
            raise ConfigError(
                no_such_setting(f"{section}.{field}", f"in the environment, {variable}", SECTIONS)
            )
        value = _parse(SECTIONS[section], field, text)
        values[section][field] = _absolute(name, value, Path.cwd())
        origins[name] = f"from {labels.get(variable, variable)}"


def _setting_of(variable: str) -> tuple[str, str] | None:
    """The section and field that a variable is about; None for another program's variable."""
    for section in SECTIONS:
        prefix = f"TILED_{section.upper()}_"
        if variable.startswith(prefix):
            return section, variable.removeprefix(prefix).lower()
    return None


def _parse(section: type[BaseModel], field: str, text: str) -> Any:
    """Lists are written as JSON, or with commas, mappings as YAML; pydantic reads other texts."""
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
    """A relative path is meant from the file that says it, or from where the command was given."""
    if name == ("database", "uri") and isinstance(value, str):
        scheme, separator, path = value.partition(":///")
        if separator and scheme.startswith("sqlite") and path and not path.startswith("/"):
            return f"{scheme}:///{base.absolute() / path}"
    if name not in PATHS:
        return value
    if isinstance(value, list):
        return [_absolute(name, item, base) for item in value]
    return str(base.absolute() / Path(value).expanduser()) if isinstance(value, str) else value


def _fill_in_paths(values: dict[str, dict[str, Any]], origins: Origins) -> None:
    """The database and the storage live in the data folder where nothing else was said."""
    folder = Path(str(values["server"].get("data_folder", PROJECT / "data")))
    values["database"].setdefault("uri", f"sqlite:///{folder / 'catalog.db'}")
    values["storage"].setdefault("directory", str(folder / "storage"))
