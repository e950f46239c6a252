"""The endpoints, and the answers that say no."""

from __future__ import annotations

from collections.abc import Iterator

from access import errors
from catalog.api.about import AboutView
from catalog.api.errors import STORAGE_STATUS
from catalog.api.urls import NODE_VIEWS

from .markdown import code, first_paragraph, table

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def endpoints() -> Iterator[str]:
    """A row for each method of each address."""
    views = {"": AboutView, **NODE_VIEWS}
    rows = []
    for name, view in views.items():
        address = f"/api/v1/{name}/{{path}}" if name else "/api/v1/"
        for method in METHODS:
            handler = getattr(view, method.lower(), None)
            if handler is None:
                continue
            scopes = ", ".join(code(scope) for scope in view.scopes.get(method, ())) or "none"
            rows.append([method, code(address), scopes, first_paragraph(handler)])
    yield from table(["method", "address", "scopes", "what it does"], rows)


def statuses() -> Iterator[str]:
    """A row for each kind of refusal."""
    rows = [
        [str(kind.status), first_paragraph(kind)]
        for kind in errors.ServiceError.__subclasses__()
        if kind.__module__ == errors.__name__
    ]
    stored = [[str(status), first_paragraph(kind)] for kind, status in STORAGE_STATUS.items()]
    yield from table(["status", "when"], sorted(rows + stored, key=lambda row: row[0]))
