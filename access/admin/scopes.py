"""Scopes as choices of a form: those that have an effect, with their meaning."""

from __future__ import annotations

from collections.abc import Iterable

from ..principals import UNUSED_SCOPES, Scope

MEANINGS = {
    Scope.read_metadata: "find nodes, and read their metadata and structure",
    Scope.read_data: "read data; with read:metadata also subscribe",
    Scope.write_metadata: "change metadata and specs",
    Scope.write_data: "write data, and close streams",
    Scope.create_node: "create nodes",
    Scope.register: "register files",
    Scope.delete_node: "delete nodes",
    Scope.delete_revision: "delete revisions of metadata",
    Scope.metrics: "read the metrics of the server",
    Scope.create_apikeys: "create API keys of one's own",
    Scope.revoke_apikeys: "revoke API keys of one's own",
    Scope.admin_apikeys: "manage the API keys of all accounts",
    Scope.read_principals: "list accounts",
    Scope.write_principals: "create and change accounts",
}


def scope_choices(scopes: Iterable[Scope]) -> list[tuple[str, str]]:
    """Return the choices for `scopes`, in the order of `Scope`, without those unused."""
    offered = set(scopes) - UNUSED_SCOPES
    return [
        (scope.value, f"{scope.value} ({MEANINGS[scope]})" if scope in MEANINGS else scope.value)
        for scope in Scope
        if scope in offered
    ]
