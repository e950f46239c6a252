"""Check the path below which the site is served."""

from __future__ import annotations

import re

# Characters that need no escape, so that the path is the same in addresses, cookies and headers.
ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")
# A proxy may remove the prefix: what follows must not be taken for the prefix itself.
OWN = {"admin", "docs", "favicon.ico", "healthz", "login", "openapi.json", "readyz", "static", "ui"}
OWN |= {"zarr", ".", ".."}


def check_root_path(text: str) -> str:
    """Return a root path without a slash at its end. Raises ValueError for one that cannot be."""
    if ROOT_PATH.fullmatch(text) is None:
        raise ValueError(
            f"is {text!r}, which is not a path; write one of letters, digits and ._~- that begins "
            "with a slash, such as /tiled"
        )
    keys = text.strip("/").split("/")
    # Clients search an address for /api, to find where the API begins.
    taken = next((key for key in keys if key in OWN or key.startswith("api")), None)
    if taken is not None:
        raise ValueError(f"has the part {taken!r}, which the site uses itself; write another one")
    return text.rstrip("/")
