"""Create and delete profiles of the user."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .default import get_default_profile_name, set_default_profile_name
from .errors import ProfileError, ProfileExists, ProfileNotFound
from .folders import user_folder
from .keys import check_key
from .parsing import parse_profiles

NAME = re.compile(r"\w[\w .@-]*")


def create_profile(name: str, content: Mapping[str, Any], *, overwrite: bool = False) -> Path:
    """Write a profile to a separate file, which only this user can read.

    Parameters
    ----------
    name
        The name of the profile, and of the file.
    content
        The settings: at least `uri`.
    overwrite
        Replace the file if it exists.

    Raises
    ------
    ProfileExists
        If the file exists.
    ProfileError
        If the name or a setting is invalid.
    """
    import yaml

    if not NAME.fullmatch(name):
        raise ProfileError(f"{name!r} cannot be the name of a profile: use letters and digits.")
    for key, value in content.items():
        if (why := check_key(key, value)) is not None:
            raise ProfileError(why)
    path = user_folder() / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not overwrite:
        raise ProfileExists(f"{path} exists: pass overwrite to replace the profile {name!r}.")
    text = yaml.safe_dump({name: dict(content)}, sort_keys=False, allow_unicode=True)
    # The settings may include an API key.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600) if hasattr(os, "fchmod") else None
        file.write(text)
    return path


def delete_profile(name: str) -> Path:
    """Delete a profile that has its own file, and return the path of the file.

    Raises ProfileNotFound, or ProfileError if the file holds other profiles, too.
    """
    folder = user_folder()
    for path in (folder / f"{name}.yml", folder / f"{name}.yaml"):
        if not path.exists():
            continue
        others = [found.name for found in parse_profiles(path) if found.name != name]
        if others:
            raise ProfileError(f"{path} holds other profiles, too: edit it instead of deleting it.")
        path.unlink()
        if get_default_profile_name() == name:
            set_default_profile_name(None)
        return path
    raise ProfileNotFound(f"{folder} has no file {name}.yml: only profiles in it can be deleted.")
