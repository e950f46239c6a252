"""Collect settings from their sources: a YAML file, environment variables, and secret files.

Nothing is validated here but the names. All mistakes are collected, so that an operator sees them
together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from catalog.storage.bucket_files.paths import is_object_uri

from .errors import FROM_FILE, ConfigError, Origins, no_such_setting
from .locations import default_data_dir
from .renamed_settings import RENAMED, RenamedSettings
from .sections import FILE_SUFFIX, SECTIONS, setting_of

PATHS = {
    ("server", "data_dir"),
    ("logs", "audit_file"),
    ("storage", "directory"),
    ("storage", "ca_file"),
    ("storage", "readable"),
    ("retention", "archive"),
}
MAX_SECRET_BYTES = 1 << 20
Name = tuple[str, str]


class WrittenSettings:
    """The written settings: `values` by section and field, `origins`, and `problems`."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
        self.origins: Origins = {}
        self.problems: list[str] = []
        self.renamed = RenamedSettings()

    def merge_file(self, path: Path) -> None:
        """Add the settings in a YAML file."""
        origin = f"in {path}"
        try:
            document = _read_yaml(path)
        except ConfigError as error:
            self.problems.append(str(error))
            return
        for section, fields in document.items():
            if section not in SECTIONS:
                self.problems.append(no_such_setting(str(section), origin, SECTIONS))
            elif not isinstance(fields, dict):
                self.problems.append(
                    f"{section} in {path} is {fields!r}; write its settings below it, indented, "
                    "each as `name: value`."
                )
            else:
                self._merge_section(section, fields, path)

    def _merge_section(self, section: str, fields: dict[Any, Any], path: Path) -> None:
        origin = f"in {path}"
        for field, value in fields.items():
            name = self.renamed.translate(section, str(field), origin)
            try:
                self.renamed.check_written_once(name, self.origins, origin)
            except ConfigError as error:
                self.problems.append(str(error))
            if name[1] not in SECTIONS[section].model_fields:
                self.problems.append(no_such_setting(".".join(name), origin, SECTIONS))
                continue
            self._set(name, value, path.parent, origin)

    def merge_environment(self, environment: Mapping[str, str], labels: Mapping[str, str]) -> None:
        """Add the settings in environment variables, which win over the file."""
        # In order, so that the new name of a renamed setting wins, whichever was exported first.
        for variable, text in sorted(environment.items(), key=lambda item: _is_current(item[0])):
            written = setting_of(variable)
            if written is None or text == "":
                continue
            name = self.renamed.translate(*written, f"from {variable}")
            if _is_field(name):
                origin = f"from {labels.get(variable, variable)}"
                self._set(name, _parse(name, text), Path.cwd(), origin)
        for variable, text in sorted(environment.items()):
            if text:
                self._merge_other(variable, text)

    def _merge_other(self, variable: str, text: str) -> None:
        """Add the setting of a variable `*_FILE`; report one that belongs to no setting."""
        written = setting_of(variable)
        if written and _is_field(self.renamed.translate(*written, f"from {variable}")):
            return
        if variable.endswith(FILE_SUFFIX) and (of := setting_of(variable[: -len(FILE_SUFFIX)])):
            name = self.renamed.translate(*of, f"from {variable}")
            if _is_field(name):
                self._merge_secret_file(name, variable, Path(text))
                return
        if written:
            name_of = ".".join(written)
            self.problems.append(
                no_such_setting(name_of, f"in the environment, {variable}", SECTIONS)
            )

    def _merge_secret_file(self, name: Name, variable: str, path: Path) -> None:
        """Add a setting from the file that a variable `*_FILE` names."""
        if self.origins.get(name, "").startswith("from "):
            self.problems.append(
                f"{'.'.join(name)} is set twice, {self.origins[name]} and by {variable}; "
                "remove one of them."
            )
            return
        try:
            text = _read_secret(path)
        except OSError as error:
            self.problems.append(
                f"The file {path} of {variable} cannot be read ({error.strerror}); name one that "
                "this user may read."
            )
            return
        except ValueError:
            text = ""
        if not text:
            self.problems.append(
                f"The file {path} of {variable} is not a text; write the value of "
                f"{'.'.join(name)} to it."
            )
            return
        self._set(name, _parse(name, text), Path.cwd(), f"{FROM_FILE} {path} of {variable}")

    def _set(self, name: Name, value: Any, base: Path, origin: str) -> None:
        self.values[name[0]][name[1]] = _absolute(name, value, base)
        self.origins[name] = origin

    def fill_in_paths(self) -> None:
        """Put the database and the storage into the data directory unless they are set."""
        folder = Path(str(self.values["server"].get("data_dir", default_data_dir())))
        self.values["database"].setdefault("uri", f"sqlite:///{folder / 'catalog.db'}")
        self._choose_storage()
        self.values["storage"].setdefault("directory", str(folder / "storage"))

    def _choose_storage(self) -> None:
        """Keep the bucket or the directory: the environment wins over the file here, too."""
        storage = self.values["storage"]
        origins = [self.origins.get(("storage", name)) for name in ("uri", "directory")]
        uri, directory = origins
        in_environment = [bool(origin and _is_of_environment(origin)) for origin in origins]
        if in_environment == [False, True]:
            storage.pop("uri", None)
            if not any(map(is_object_uri, _texts(storage.get("readable")))):
                storage.pop("endpoint", None)
        elif in_environment == [True, False]:
            storage.pop("directory", None)
        elif uri and directory:
            self.problems.append(
                f"storage.uri ({uri}) and storage.directory ({directory}) are both set; remove one "
                "of them: data are stored in the bucket or in the directory."
            )


def named_files(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that variables of this server name: secrets, the configuration, logs."""
    return [
        Path(text)
        for variable, text in environment.items()
        if variable.startswith("TILED_") and variable.endswith(FILE_SUFFIX) and text
    ]


def _is_of_environment(origin: str) -> bool:
    return origin.startswith("from ")


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _is_field(name: Name) -> bool:
    return name[1] in SECTIONS[name[0]].model_fields


def _is_current(variable: str) -> bool:
    """Return whether a variable does not have the old name of a renamed setting."""
    return setting_of(variable) not in RENAMED


def _read_secret(path: Path) -> str:
    """Return the text of a file without its last line break. Raises OSError, ValueError."""
    with path.open("rb") as file:
        content = file.read(MAX_SECRET_BYTES + 1)
    if len(content) > MAX_SECRET_BYTES:
        return ""
    return content.decode().rstrip("\r\n")


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


def _parse(name: Name, text: str) -> Any:
    """Parse a variable: lists from JSON or commas, mappings from YAML; pydantic reads the rest."""
    section: type[BaseModel] = SECTIONS[name[0]]
    default = section.model_fields[name[1]].default
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


def _absolute(name: Name, value: Any, base: Path) -> Any:
    """Make a path absolute: relative to `base`, the configuration file's or the current folder."""
    if name == ("database", "uri") and isinstance(value, str):
        scheme, separator, path = value.partition(":///")
        if separator and scheme.startswith("sqlite") and path and not path.startswith("/"):
            return f"{scheme}:///{base.absolute() / path}"
    if name not in PATHS:
        return value
    if isinstance(value, list):
        return [
            item if isinstance(item, str) and is_object_uri(item) else _absolute(name, item, base)
            for item in value
        ]
    return str(base.absolute() / Path(value).expanduser()) if isinstance(value, str) else value
