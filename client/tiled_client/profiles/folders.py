"""Folders that profiles are read from, the same as those of Tiled's client."""

from __future__ import annotations

import os
import sys
from pathlib import Path

USER_VARIABLE = "TILED_PROFILES"
SITE_VARIABLE = "TILED_SITE_PROFILES"


def profile_folders() -> list[Path]:
    """Return the folders in the order of precedence: a later one overrides those before it.

    They are those of the site, that of the Python environment, and those of the user. The
    environment variables TILED_SITE_PROFILES and TILED_PROFILES replace the first and the last.
    """
    site = [Path("/etc/tiled/profiles"), _site_config() / "profiles"]
    user = [Path.home() / ".config/tiled/profiles", _user_config() / "profiles"]
    environment = Path(sys.prefix, "etc", "tiled", "profiles")
    folders = [*_replaced(SITE_VARIABLE, site), environment, *_replaced(USER_VARIABLE, user)]
    return list(dict.fromkeys(folders))


def user_folder() -> Path:
    """Return the folder that new profiles are written to."""
    return profile_folders()[-1]


def default_profile_file() -> Path:
    """Return the file that holds the name of the default profile."""
    return user_folder().parent / "default_profile"


def _replaced(variable: str, folders: list[Path]) -> list[Path]:
    given = os.environ.get(variable)
    return [Path(given)] if given else folders


def _site_config() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", "C:\\ProgramData"), "tiled", "tiled")
    if sys.platform == "darwin":
        return Path("/Library/Application Support/tiled")
    first = os.environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep)[0]
    return Path(first or "/etc/xdg") / "tiled"


def _user_config() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local"
        return Path(local, "tiled", "tiled")
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/tiled"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tiled"
