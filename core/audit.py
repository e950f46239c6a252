"""Audit log: who did what that matters for security, as records of the logger `audit`.

Each record has an event, the principal, address and request ID of the request that caused it (for a
management command the user of the machine), and details. Secrets are never among them.
"""

from __future__ import annotations

import getpass
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from .request_record import current

logger = logging.getLogger("audit")


def audit(event: str, *, principal: str | None = None, **details: Any) -> None:
    """Write an event to the audit log; `principal` is the actor if it is not that of the request.

    Details that are None are left out.
    """
    fields = {**_actor(principal), **_given(details)}
    text = " ".join(f"{name}={value}" for name, value in fields.items() if name != "request_id")
    logger.info("%s %s", event, text, extra={"fields": {"event": event, **fields}})


def _actor(principal: str | None) -> dict[str, str]:
    record = current.get()
    if record is None:
        return {"principal": principal or f"command:{_machine_user()}"}
    return {
        "principal": principal or record.known_principal() or "anonymous",
        "address": record.address,
        "request_id": record.request_id,
    }


def _given(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None}


@cache
def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
