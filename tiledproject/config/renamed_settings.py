"""Old names of renamed settings, accepted for one release in files and in the environment.

`load` translates them before it validates anything, so that the rest of the server knows the new
names only. The names that were used are kept in `Settings.deprecated_names`; the start of a server
logs them once, and `check --deploy` reports them (tiled.W011).
"""

from __future__ import annotations

from .errors import ConfigError, Origins

Name = tuple[str, str]
"""Section and field of a setting."""

RENAMED: dict[Name, str] = {
    ("server", "data_folder"): "data_dir",
    ("server", "largest_body"): "max_body_bytes",
    ("streaming_cache", "all_windows_bytes"): "total_window_bytes",
    ("streaming_cache", "connections"): "max_connections",
    ("streaming_cache", "connections_waiting"): "max_unauthenticated_connections",
    ("streaming_cache", "embedded_memory"): "embedded_memory_bytes",
    ("streaming_cache", "file_locations"): "expose_file_paths",
    ("streaming_cache", "recursive_nodes"): "max_nodes_per_connection",
}


class RenamedSettings:
    """Translates old names to new ones and records which were used, and where."""

    def __init__(self) -> None:
        self._used: dict[Name, str] = {}

    def translate(self, section: str, field: str, origin: str) -> Name:
        """Return the current name of a setting written at `origin`."""
        new = RENAMED.get((section, field))
        if new is None:
            return section, field
        self._used[section, field] = origin
        return section, new

    def check_written_once(self, name: Name, origins: Origins, origin: str) -> None:
        """Raise ConfigError if one file has both the old and the new name of a setting."""
        if origins.get(name) == origin:
            raise ConfigError(
                f"{name[0]}.{name[1]} ({origin}) is written twice, under its old and its new name; "
                "remove the old one."
            )

    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each old name that was used."""
        return tuple(
            f"{section}.{field} ({origin}) is deprecated; write {section}."
            f"{RENAMED[section, field]} instead."
            for (section, field), origin in self._used.items()
        )
