"""Secrets that are created once and stored, so that keys and sessions survive a restart."""

from __future__ import annotations

import os
import secrets
import string
from pathlib import Path

from .settings_model import Settings

# Clients recognize only such texts as API keys.
ALPHABET = string.ascii_letters + string.digits
API_KEY_LENGTH = 32
SECRET_KEY_LENGTH = 50


def with_secrets(settings: Settings) -> Settings:
    """Return `settings` with the API key and Django's secret key filled in."""
    folder = settings.server.data_dir
    authentication, server = settings.authentication, settings.server
    if authentication.single_user_api_key is None and not authentication.multi_user:
        key = {"single_user_api_key": load_or_create_secret(folder / "api_key", API_KEY_LENGTH)}
        authentication = authentication.model_copy(update=key)
    if server.secret_key is None:
        secret = load_or_create_secret(folder / "secret_key", SECRET_KEY_LENGTH)
        server = server.model_copy(update={"secret_key": secret})
    return settings.model_copy(update={"authentication": authentication, "server": server})


def load_or_create_secret(path: Path, length: int) -> str:
    """Return the secret in the file `path`; create it, readable by this user only, if missing."""
    if not path.exists():
        _write_once(path, "".join(secrets.choice(ALPHABET) for _ in range(length)))
    return path.read_text().strip()


def _write_once(path: Path, text: str) -> None:
    """Create `path` atomically; keep it if another process has created it in the meantime."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
