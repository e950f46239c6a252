"""Read the Idempotency-Key of a request.

The header `Idempotency-Key` is that of the IETF's draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import hashlib
import re

from rest_framework.request import Request

from access.api.permissions import principal_of
from core.errors import Invalid
from core.http.requests import data
from core.mapped_files import iter_chunks

from ..services.idempotency import IdempotencyKey

HEADER = "HTTP_IDEMPOTENCY_KEY"
KEY = re.compile(r"[!-~]{1,128}")


def token_of(request: Request) -> str:
    """Return the stream token of a request that stores nothing; empty without a key.

    The stream knows the tokens of its recent updates, and accepts each once. Raises Invalid.
    """
    key = _key_of(request)
    return "" if key is None else hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def _key_of(request: Request) -> str | None:
    text = request.META.get(HEADER)
    if text is None:
        return None
    key: str = text.strip().strip('"')
    if not KEY.fullmatch(key):
        raise Invalid("An Idempotency-Key is a text of 1 to 128 visible ASCII characters.")
    return key


def read_idempotency_key(request: Request) -> IdempotencyKey | None:
    """Return the key of a request, with a digest of its content; None without. Raises Invalid.

    The digest includes the principal, so that no principal gets the response to another one.
    """
    key = _key_of(request)
    if key is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for name, values in sorted(request.query_params.lists()):
        if name != "api_key":
            digest.update(repr((name, values)).encode())
    digest.update(f"{request.method} {request.path_info} ".encode())
    account = principal_of(request).uuid
    if account is not None:
        digest.update(account.bytes)
    for piece in iter_chunks(data(request)):
        digest.update(piece)
    return IdempotencyKey(key, digest.digest())
