"""The default profile: the one that `from_profile()` uses."""

from __future__ import annotations

from ..public_surface import show_types
from .collection import find_profile
from .folders import default_profile_file


@show_types
def get_default_profile_name() -> str | None:
    """Return the name of the default profile.

    Returns
    -------
    str or None
        None if no default is set.
    """
    try:
        return default_profile_file().read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


@show_types
def set_default_profile_name(name: str | None) -> None:
    """Set the default profile; Tiled's client uses the same.

    Parameters
    ----------
    name
        The name of a profile; None to have no default.

    Raises
    ------
    ProfileNotFound
        If there is no such profile.

    Examples
    --------
    >>> set_default_profile_name("beamline")  # doctest: +SKIP
    """
    file = default_profile_file()
    if name is None:
        file.unlink(missing_ok=True)
        return
    find_profile(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(name, encoding="utf-8")
