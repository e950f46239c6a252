"""`from_profile`: connect with the settings of a profile."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, overload
from urllib.parse import urlsplit

from ..connect import from_uri
from ..http.cache import Cache
from ..nodes import Container, Node
from ..public_surface import show_types
from ..settings import HttpOptions, cache_folder
from .collection import find_profile
from .default import get_default_profile_name
from .errors import ProfileError, ProfileNotFound
from .keys import KEYS, check_key
from .parsing import Profile

# The end of the name of the folder beside the file that Tiled's client has for its cache.
SUFFIX = ".tiled-client"
# Settings that hold secrets, which are meant for the server of the profile alone.
SECRETS = ("api_key", "headers")
# Settings of Tiled's client that have no effect here, and what to do instead.
WITHOUT_EFFECT = {
    "username": "call login(username), or use an API key",
    "auth_provider": "call login(provider=...), or use an API key",
}


@overload
def from_profile(
    name: str | None = None, structure_clients: str | None = None, **overrides: Any
) -> Container: ...
@overload
def from_profile(
    name: str | None, structure_clients: Mapping[str, type[Any]], **overrides: Any
) -> Any: ...


@show_types
def from_profile(name: str | None = None, structure_clients: Any = None, **overrides: Any) -> Any:
    """Connect with the settings of a profile, and return the client object of its node.

    Profiles are in YAML files that Tiled's client shares, in the folders that the environment
    variables TILED_PROFILES and TILED_SITE_PROFILES name, `~/.config/tiled/profiles` and
    `/etc/tiled/profiles`. A setting that this client does not have is reported by a warning.

    Parameters
    ----------
    name
        The name of the profile; by default that which `set_default_profile_name` has set.
    structure_clients
        "numpy", "dask" or classes, as for `from_uri`; overrides the setting of the profile.
    **overrides
        Settings that override those of the profile, and further arguments of `from_uri`. With a
        `uri` of another server, the API key and the headers of the profile are not used.

    Returns
    -------
    Container, ArrayClient, TableClient, SparseClient, RaggedClient, AwkwardClient or BytesClient
        As `from_uri` returns it.

    Raises
    ------
    ProfileNotFound
        If there is no such profile, or no name and no default.
    ProfileError
        If the profile is invalid; the message has the file and the line.
    TiledClientError
        As `from_uri` raises it.

    Examples
    --------
    >>> client = from_profile("beamline")  # doctest: +SKIP
    >>> client = from_profile("beamline", api_key="secret")  # doctest: +SKIP
    """
    profile = find_profile(name or _default_name())
    if structure_clients is not None:
        overrides["structure_clients"] = structure_clients
    for key in overrides.keys() & (KEYS.keys() - WITHOUT_EFFECT.keys()):
        # `cache` is the argument of `from_uri`, unless it has the form of the setting.
        if key == "cache" and not isinstance(overrides[key], Mapping):
            continue
        if (why := check_key(key, overrides[key])) is not None:
            raise ProfileError(why)
    return from_uri(**_arguments(profile, overrides))


def profile_options(name: str) -> HttpOptions:
    """Return the options of requests that a profile sets. Raises as `from_profile` does."""
    options: HttpOptions = _arguments(find_profile(name), {})["options"]
    return options


def _default_name() -> str:
    name = get_default_profile_name()
    if name is None:
        raise ProfileNotFound(
            "No profile is given, and no default is set: pass a name, or call "
            "set_default_profile_name(name)."
        )
    return name


def _arguments(profile: Profile, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `from_uri`."""
    own = _own_settings(profile, overrides)
    settings = {**own, **overrides}
    if isinstance(settings.get("cache"), Mapping):
        settings["cache"] = _cache(settings["cache"])
    if "uri" not in settings:
        raise ProfileError(
            f"{profile.place('direct')}: The profile {profile.name!r} starts a server in this "
            "process, which this client cannot do: start the server, and set its 'uri'."
        )
    options = settings.pop("options", None) or HttpOptions()
    for key in ("headers", "verify", "timeout", "max_connections", "token_cache"):
        if key not in settings or (key == "timeout" and not isinstance(settings[key], Mapping)):
            continue  # a number is the `timeout` of `from_uri`
        wanted = _options_of(key, settings.pop(key))
        options = replace(options, **_not_overridden(options, wanted, key in overrides))
    return {**settings, "options": options}


def _own_settings(profile: Profile, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a profile that apply, and warn about those without effect."""
    own = dict(profile.content)
    own.pop("direct", None)
    for key, remedy in WITHOUT_EFFECT.items():
        if own.pop(key, None) is not None and key not in overrides:
            _warn(profile, key, remedy)
    if isinstance(own.get("structure_clients"), Mapping) and "structure_clients" not in overrides:
        own["structure_clients"] = _load_classes(profile, own["structure_clients"])
    if "uri" in overrides and not _same_server(str(own.get("uri", "")), overrides["uri"]):
        own = {key: value for key, value in own.items() if key not in SECRETS}
    if overrides.get("username"):
        own.pop("api_key", None)
    return own


def _cache(setting: Mapping[str, Any]) -> Cache:
    """Return the cache on disk that a setting means.

    Tiled's client has the file `filepath` to itself; the folder beside it has the same stem.
    """
    path = setting.get("filepath")
    folder = cache_folder() / "responses" if path is None else Path(path).with_suffix(SUFFIX)
    names = {"capacity": "max_bytes", "max_item_size": "max_item_bytes", "readonly": "readonly"}
    return Cache(folder, **{names[key]: setting[key] for key in setting if key != "filepath"})


def _load_classes(profile: Profile, names: Mapping[str, Any]) -> dict[str, Any]:
    """Import classes by their names, such as `package.module:Class`; warn about those of Tiled."""
    found = {}
    for key, name in names.items():
        kind = _import(profile, str(name))
        if isinstance(kind, type) and issubclass(kind, Node):
            found[key] = kind
        else:
            remedy = f"derive {name} from tiled_client.Node, or leave {key!r} out"
            _warn(profile, "structure_clients", remedy)
    return found


def _import(profile: Profile, name: str) -> Any:
    """Import an object; modules beside the file of the profile are found, too."""
    module, _, attribute = name.partition(":")
    folder = str(profile.path.parent)
    sys.path.insert(0, folder)
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ProfileError(
            f"{profile.place('structure_clients')}: {name!r} cannot be imported, which must be "
            f"like 'package.module:Class': {error}."
        ) from error
    finally:
        sys.path.remove(folder)


def _options_of(key: str, value: Any) -> dict[str, Any]:
    """Return the fields of `HttpOptions` that a setting means."""
    if key == "headers":
        return {"headers": {name: str(text) for name, text in value.items()}}
    if key == "timeout":
        names = {
            "connection": "connect_timeout",
            "connect": "connect_timeout",
            "read": "read_timeout",
        }
        return {names[part]: float(value[part]) for part in value if part in names}
    name = {"max_connections": "connections", "token_cache": "token_folder"}.get(key, key)
    return {name: value}


def _not_overridden(
    options: HttpOptions, wanted: Mapping[str, Any], override: bool
) -> dict[str, Any]:
    """Return the fields that the caller's own options have not set."""
    unset = {field.name for field in fields(options) if _is_default(options, field.name)}
    return {name: value for name, value in wanted.items() if override or name in unset}


def _is_default(options: HttpOptions, name: str) -> bool:
    return bool(getattr(options, name) == getattr(HttpOptions(), name))


def _same_server(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def _warn(profile: Profile, key: str, remedy: str) -> None:
    warnings.warn(
        f"{profile.place(key)}: The setting {key!r} of the profile {profile.name!r} has no effect "
        f"in this client: {remedy}.",
        stacklevel=5,
    )
