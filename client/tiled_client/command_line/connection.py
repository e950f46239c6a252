"""Options that select the server, and the connection that they mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..nodes import Node

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Connection:
    """The server that the options select."""

    uri: str | None
    profile: str | None
    api_key: str | None

    def open(self, target: str = "") -> Any:
        """Return the client object of a node: a path, or a URL. Raises what `from_uri` raises."""
        from ..uris import split_path

        if is_url(target):
            return self._connect(target)
        root = self._connect(None)
        path = split_path(target)
        return root[path] if path else root

    def root_uri(self) -> str:
        """Return the URL that the options mean, without connecting."""
        if self.uri is not None:
            return self.uri
        from ..profiles.collection import find_profile

        return str(find_profile(self._profile_name()).content["uri"])

    def options(self) -> Any:
        """Return the options of requests that the profile sets."""
        from ..profiles.connecting import profile_options

        return None if self.uri is not None else profile_options(self._profile_name())

    def _connect(self, url: str | None) -> Any:
        from ..connect import from_uri
        from ..profiles.connecting import from_profile

        arguments: dict[str, Any] = {} if self.api_key is None else {"api_key": self.api_key}
        if url is not None and self.profile is None:
            return from_uri(url, **arguments)
        if self.uri is not None:
            return from_uri(self.uri, **arguments)
        if url is not None:
            arguments["uri"] = url
        return from_profile(self._profile_name(), **arguments)

    def _profile_name(self) -> str:
        from ..profiles.default import get_default_profile_name

        name = self.profile or get_default_profile_name()
        if name is None:
            raise click.UsageError(
                "No server is selected: pass --uri or --profile, set TILED_URI, or set a default "
                "with `tiled-client profile set-default`."
            )
        return name


def selection_options(function: F) -> F:
    """Add --uri, --profile and --api-key to a command."""
    wrapped: Any = function
    for option in (
        click.option(
            "--api-key",
            metavar="KEY",
            help="API key; by default that in TILED_API_KEY, which other users cannot see.",
        ),
        click.option("-p", "--profile", metavar="NAME", help="Profile to use."),
        click.option("--uri", metavar="URL", help="URL of the server, or of a node."),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def connection_options(function: F) -> F:
    """Add the options that select the server to a command, which receives a `connection`.

    They may stand before the command, too; those after it apply.
    """

    @click.pass_context
    def with_connection(context: click.Context, /, *args: Any, **values: Any) -> Any:
        own = {name: values.pop(name) for name in ("uri", "profile", "api_key")}
        connection = select(own, context.find_object(dict) or {}, os.environ)
        return context.invoke(function, *args, connection=connection, **values)

    wrapped: Any = with_connection
    wrapped.__doc__, wrapped.__name__ = function.__doc__, function.__name__
    return selection_options(wrapped)  # type: ignore[no-any-return]


def select(
    own: Mapping[str, str | None], before: Mapping[str, str | None], environment: Mapping[str, str]
) -> Connection:
    """Return the connection that options mean: a command's own, those before it, the environment.

    Of these, the first that has a URL or a profile applies. Raises UsageError for both together.
    """
    named = {
        "uri": environment.get("TILED_URI") or None,
        "profile": environment.get("TILED_PROFILE") or None,
    }
    api_key = own.get("api_key") or before.get("api_key")
    for options in (own, before, named):
        uri, profile = options.get("uri"), options.get("profile")
        if uri is not None and profile is not None:
            names = "TILED_URI and TILED_PROFILE" if options is named else "--uri and --profile"
            raise click.UsageError(f"{names} are both given: use one of them.")
        if uri is not None or profile is not None:
            return Connection(uri, profile, api_key)
    return Connection(None, None, api_key)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def is_url(target: str) -> bool:
    """Return whether a target is a URL and not a path."""
    return target.startswith(("http://", "https://"))


def path_of(node: Node) -> str:
    """Return the path of a node as commands print it."""
    from ..uris import path_text

    return path_text(node.path)
