"""Decide whether a principal may send a large body, before the body is read.

A server that has received the head of a request with a large body calls `ApiView.preflight_body`,
which authenticates the request, checks its scopes and then calls `check_large_body`.
"""

from __future__ import annotations

from collections.abc import Collection

from access.principals import Scope
from core.bounds import bounds
from core.errors import TooLarge

# Smaller bodies are kept in memory and read without a preflight.
PREFLIGHT_BYTES = 16 << 20
# Requests that need no other scope send at most lists of names.
READ_SCOPES = {Scope.read_data, Scope.read_metadata}


def check_large_body(needed: Collection[Scope], *, accepts_data: bool) -> None:
    """Raise TooLarge unless an endpoint that needs these scopes accepts large bodies.

    Only the data of writes is large; JSON bodies have their own limit.
    """
    if READ_SCOPES.issuperset(needed):
        raise TooLarge("The request body is too large for this endpoint.")
    if not accepts_data and bounds().json_body <= PREFLIGHT_BYTES:
        raise TooLarge(
            f"A JSON body can have at most {bounds().json_body} bytes (the setting "
            "bounds.json_body)."
        )
