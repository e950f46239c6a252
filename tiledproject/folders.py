"""The folders that a site needs, made before anything else is."""

from __future__ import annotations

from pathlib import Path

from .config import Settings
from .config_errors import ConfigError


def make_folders(settings: Settings) -> None:
    """Make the folders that are not there. Raises ConfigError where that is impossible."""
    folders = {
        "server.data_folder": settings.server.data_folder,
        "storage.directory": settings.storage.directory,
    }
    scheme, _, path = settings.database.uri.partition(":///")
    if scheme.startswith("sqlite"):
        folders["database.uri"] = Path(path).parent
    for name, folder in folders.items():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{name} needs the folder {folder}, which cannot be made ({error.strerror}); name "
                "one that this user may write to."
            ) from None
