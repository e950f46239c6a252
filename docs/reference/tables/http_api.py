"""The endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.api.about import AboutView
from catalog.api.urls import NODE_VIEWS

from .markdown import code, first_paragraph, table

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def endpoints() -> Iterator[str]:
    """Return a row for each method of each address."""
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
