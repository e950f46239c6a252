"""Stored awkward arrays: the uploaded ZIP file of buffers, unchanged."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Collection

from tiled_client.wire.buffers import form_key

from .errors import Unreadable

MIMETYPE = "application/x-awkward-buffers"


def file_name() -> str:
    """Return a new name of a file of buffers."""
    return f"buffers-{secrets.token_hex(4)}.zip"


def parse_buffers(content: memoryview, form_keys: Collection[str], name: str) -> dict[str, bytes]:
    """Return the buffers of some nodes of the form from the file `name`. Raises Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            wanted = [name for name in archive.namelist() if form_key(name) in form_keys]
            return {name: archive.read(name) for name in wanted}
    except (zipfile.BadZipFile, OSError) as error:
        raise Unreadable(f"The buffers {name} cannot be read: {error}") from error
