"""All profiles of this user: found in the folders, with their precedence resolved."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from ..public_surface import show_types
from .errors import ProfileError, ProfileNotFound
from .folders import profile_folders, user_folder
from .parsing import Profile, parse_profiles

EXTENSIONS = (".yml", ".yaml")


@show_types
def list_profiles() -> dict[str, Path]:
    """Return the names of all profiles, and the file of each.

    A file or profile that is invalid is left out, with a warning that has the file and the line.

    Returns
    -------
    dict
        The path of the file for each name.

    Examples
    --------
    >>> list_profiles()  # doctest: +SKIP
    {'beamline': PosixPath('/etc/tiled/profiles/beamline.yml')}
    """
    profiles, problems = load_profiles()
    for problem in problems:
        warnings.warn(str(problem), stacklevel=2)
    return {name: profile.path for name, profile in profiles.items() if profile.problem is None}


def find_profile(name: str) -> Profile:
    """Return a profile. Raises ProfileNotFound, or ProfileError if it is invalid."""
    profiles, problems = load_profiles()
    if name in profiles:
        profile = profiles[name]
        if profile.problem is not None:
            raise profile.problem
        return profile
    known = ", ".join(sorted(profiles)) or "none"
    folders = ", ".join(map(str, profile_folders()))
    unread = "".join(f" {problem}" for problem in problems)
    raise ProfileNotFound(
        f"There is no profile {name!r} in {folders}. Known profiles: {known}.{unread}"
    )


def load_profiles() -> tuple[dict[str, Profile], list[ProfileError]]:
    """Return the profile that applies for each name, and the problems found in the files.

    A name that occurs in two files of one folder has no precedence, so neither applies, unless a
    folder that is nearer to the user has the name, too.
    """
    chosen: dict[str, Profile] = {}
    problems: list[ProfileError] = []
    collisions: dict[str, list[Profile]] = {}
    for folder in profile_folders():
        found: dict[str, list[Profile]] = {}
        for file in _files(folder):
            try:
                for profile in parse_profiles(file):
                    found.setdefault(profile.name, []).append(profile)
            except ProfileError as error:
                problems.append(error)
        for name, same in found.items():
            collisions.pop(name, None)
            chosen[name] = same[0]
            if len(same) > 1:
                collisions[name] = same
                del chosen[name]
    problems += [_collision(name, same) for name, same in collisions.items()]
    problems += [profile.problem for profile in chosen.values() if profile.problem is not None]
    return chosen, problems


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix in EXTENSIONS and not path.name.startswith("."):
                yield path


def _collision(name: str, profiles: list[Profile]) -> ProfileError:
    places = " and ".join(f"{profile.path}:{profile.line}" for profile in profiles)
    return ProfileError(
        f"The profile {name!r} is in {places}, so that neither applies: remove or rename one, or "
        f"write one of this name to {user_folder()}."
    )
