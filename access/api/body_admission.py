"""Whether a request may bring a large body, asked before the body is taken in.

The request is put to its view as if it had none. The view goes as far as its checks, and says so
with `Admitted`.
"""

from __future__ import annotations

from collections.abc import Collection

from django.http import HttpRequest

from access.principals import Scope
from core.bounds import bounds
from core.errors import TooLarge

# Of no smaller a body it is asked whether it may come.
PREFLIGHT_BYTES = 16 << 20
# What needs no more than these brings names of what is wanted, and is brought by anybody.
READ_SCOPES = {Scope.read_data, Scope.read_metadata}


class PreflightAccepted(Exception):
    """The body may come."""


def mark_preflight(request: HttpRequest) -> None:
    """Have the view of `request` do no more than its checks."""
    request.META["tiled.admission"] = True


def finish_preflight(request: HttpRequest, needed: Collection[Scope], *, brings_data: bool) -> None:
    """Raise Admitted or TooLarge if this is all that the request is for.

    Only bodies with data are large: those of requests that write, and are not JSON.
    """
    if "tiled.admission" not in request.META:
        return
    if READ_SCOPES.issuperset(needed):
        raise TooLarge("What this request may bring is never so large.")
    if not brings_data and bounds().json_body <= PREFLIGHT_BYTES:
        raise TooLarge(
            f"A JSON body has at most {bounds().json_body} bytes (the setting bounds.json_body)."
        )
    raise PreflightAccepted
