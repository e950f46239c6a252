"""The interface between drf-spectacular and our views."""

from __future__ import annotations

import re
from typing import Any, cast

from drf_spectacular.openapi import AutoSchema

from access.api.permissions import ScopedView

API = "/api/v1/"
CREDENTIALS = ("ApikeyHeader", "ApikeyQuery", "ApikeyCookie", "SessionCookie", "Bearer")


class ViewSchema(AutoSchema):
    """Describes a view by its scopes and docstrings; other modules of this package add the rest."""

    def get_operation_id(self) -> str:
        """Return an id such as `get_array_full` for GET of `array/full/{path}`."""
        words = re.findall(r"\w+", self.path.removeprefix(API).removesuffix("{path}")) or ["about"]
        return "_".join([self.method.lower(), *words])

    def get_tags(self) -> list[str]:
        """Return the first word of the path."""
        return [self.path.removeprefix(API).partition("/")[0] or "about"]

    def get_summary(self) -> str:
        """Return the first sentence of the method's docstring."""
        return _paragraphs(getattr(self.view, self.method.lower()))[0].removesuffix(".")

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """Return the rest of the docstring, and the required scopes."""
        more = _paragraphs(getattr(self.view, self.method.lower()))[1:]
        scopes = ", ".join(f"`{scope}`" for scope in self._scopes())
        needs = f"Requires {scopes}." if scopes else "Requires no credentials."
        return "\n\n".join([*more, needs])

    def get_auth(self) -> list[dict[str, Any]]:
        """Return all authentication schemes if the method requires scopes."""
        scopes = self._scopes()
        return [{name: scopes} for name in CREDENTIALS] if scopes else []

    def _scopes(self) -> list[str]:
        scopes = cast(ScopedView, self.view).scopes.get(self.method, ())
        return [str(scope) for scope in scopes]

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False


def _paragraphs(method: Any) -> list[str]:
    text = re.sub(r" *\n +", "\n", (method.__doc__ or "").strip())
    return [" ".join(part.split()) for part in text.split("\n\n")]
