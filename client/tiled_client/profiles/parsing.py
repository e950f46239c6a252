"""Parse files of profiles, and keep the line of each setting for error messages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ProfileError
from .keys import check_key

if TYPE_CHECKING:
    import yaml


@dataclass(frozen=True, slots=True)
class Profile:
    """Named settings of a connection.

    `lines` has the line of each setting in the file `path`; `problem` is an error of the settings,
    which is raised when the profile is used.
    """

    name: str
    path: Path
    line: int
    content: Mapping[str, Any] = field(repr=False)  # it may have an API key
    lines: Mapping[str, int]
    problem: ProfileError | None = None

    def place(self, key: str) -> str:
        """Return the file and the line of a setting."""
        return f"{self.path}:{self.lines.get(key, self.line)}"


def parse_profiles(path: Path) -> list[Profile]:
    """Parse a file. Raises ProfileError unless it is a mapping of names to profiles."""
    import yaml

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: The file of profiles cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise ProfileError(f"{path}:{_line_of(error)}: Invalid YAML: {_reason(error)}.") from error
    if not isinstance(root, yaml.MappingNode):
        line = 1 if root is None else root.start_mark.line + 1
        raise ProfileError(
            f"{path}:{line}: The file must map names of profiles to their settings, as in "
            "'my_profile: {uri: http://localhost:8000}'."
        )
    return [_profile(path, key, value) for key, value in root.value]


def _profile(path: Path, key: yaml.Node, value: yaml.Node) -> Profile:
    import yaml

    name, line = str(key.value), key.start_mark.line + 1
    try:
        content = yaml.constructor.SafeConstructor().construct_document(value)
        lines = {
            str(key.value): key.start_mark.line + 1
            for key, _ in (value.value if isinstance(value, yaml.MappingNode) else ())
        }
    except yaml.YAMLError as error:
        found = ProfileError(f"{path}:{_line_of(error)}: Invalid YAML: {_reason(error)}.")
        return Profile(name, path, line, {}, {}, found)
    if not isinstance(content, dict):
        found = ProfileError(
            f"{path}:{line}: The profile {name!r} must have settings, such as "
            "'uri: http://localhost:8000'."
        )
        return Profile(name, path, line, {}, {}, found)
    profile = Profile(name, path, line, _expanded(content), lines)
    return Profile(name, path, line, profile.content, lines, _first_problem(profile))


def _first_problem(profile: Profile) -> ProfileError | None:
    for key, value in profile.content.items():
        if (why := check_key(key, value)) is not None:
            return ProfileError(f"{profile.place(key)}: {why} (profile {profile.name!r})")
    if not {"uri", "direct"} & set(profile.content):
        return ProfileError(
            f"{profile.path}:{profile.line}: The profile {profile.name!r} has no 'uri'."
        )
    return None


def _expanded(value: Any) -> Any:
    """Return the value with environment variables, as `${NAME}`, replaced in its texts."""
    match value:
        case str():
            return os.path.expandvars(value)
        case Mapping():
            return {str(key): _expanded(item) for key, item in value.items()}
        case list():
            return [_expanded(item) for item in value]
    return value


def _line_of(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return 1 if mark is None else mark.line + 1


def _reason(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error).partition("\n")[0]
