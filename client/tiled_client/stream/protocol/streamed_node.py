"""Interface of the nodes that can be subscribed to."""

from __future__ import annotations

from typing import Any, Protocol

from ...auth.credentials import Credentials
from ...settings import HttpOptions
from ...uris import Path


class StreamedNode(Protocol):
    """The members of a node that a stream uses; the client's nodes are not imported here."""

    @property
    def uri(self) -> str:
        """The address of the node."""

    @property
    def path(self) -> Path:
        """The keys from the root to the node."""

    @property
    def api_root(self) -> str:
        """The address of the server's API."""

    @property
    def credentials(self) -> Credentials:
        """The credentials of the client."""

    @property
    def http_options(self) -> HttpOptions:
        """The options of the client's requests, of which streams use the headers and TLS."""

    def at(self, path: Path) -> Any:
        """Fetch the client object of any node of the same server."""


class StreamedContainer(StreamedNode, Protocol):
    """A node that has children."""

    @property
    def child_created(self) -> Any:
        """The entry point to a subscription to new children."""
