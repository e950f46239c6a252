"""Settings that follow from a configuration of Tiled, and what the import takes from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HEADER = "# Settings of tiled-stream, converted from a configuration of Tiled.\n"


@dataclass(slots=True)
class Converted:
    """The settings by section, notes, and facts for the import.

    `unset` are keys of Tiled without counterpart, each with what to do.
    """

    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    unset: dict[str, str] = field(default_factory=dict)
    catalog: str | None = None
    authentication: str | None = None
    storages: list[str] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    admins: list[tuple[str, str]] = field(default_factory=list)
    tag_provider: str | None = None
    root_metadata: dict[str, Any] = field(default_factory=dict)
    root_specs: list[Any] = field(default_factory=list)
    root_tags: list[str] = field(default_factory=list)

    def set(self, section: str, name: str, value: Any) -> None:
        """Set `section.name`; lists are added to."""
        fields = self.settings.setdefault(section, {})
        if isinstance(value, list) and isinstance(fields.get(name), list):
            fields[name] += [one for one in value if one not in fields[name]]
        else:
            fields[name] = value

    def note(self, key: str, text: str) -> None:
        """Note a key of Tiled that has no counterpart, and what to do."""
        self.unset[key] = text

    def text(self) -> str:
        """Return the settings file, with the notes as comments."""
        lines = [HEADER]
        if self.settings:
            lines.append(yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True))
        if self.unset:
            lines.append("\n# Not converted:\n")
            lines += [f"# - {key}: {text}\n" for key, text in self.unset.items()]
        return "".join(lines)


@dataclass(frozen=True, slots=True)
class ConfigurationSection:
    """A mapping in Tiled's configuration; what is not taken is left over."""

    name: str
    values: dict[str, Any]

    @classmethod
    def of(cls, name: str, value: Any) -> ConfigurationSection:
        """Return the section, of which a copy is taken apart."""
        return cls(name, dict(value) if isinstance(value, Mapping) else {})

    def take(self, key: str, default: Any = None) -> Any:
        """Return a value and remove it."""
        found = self.values.pop(key, None)
        return default if found is None else found

    def left(self) -> Iterator[str]:
        """Iterate over the names that were not taken."""
        for key in self.values:
            yield f"{self.name}.{key}" if self.name else key


def local_path(uri: Any) -> Path | None:
    """Return the folder that a storage of Tiled is in; None for databases and objects."""
    if isinstance(uri, Mapping):
        uri = uri.get("uri")
    text = str(uri)
    if text.startswith("file:"):
        text = text.removeprefix("file://localhost").removeprefix("file://").removeprefix("file:")
    return None if "://" in text or text.startswith(("sqlite:", "duckdb:")) else Path(text)
