"""TLS settings of connections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def tls_context(verify: bool | str) -> ssl.SSLContext:
    """Return the TLS settings for `HttpOptions.verify`."""
    import ssl

    if not isinstance(verify, str):
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=verify)
    return ssl.create_default_context(cafile=verify)
