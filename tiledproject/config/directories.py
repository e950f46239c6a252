"""Private folders and files of a site, accessible to the server's user only."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from .errors import ConfigError
from .locations import private_code
from .settings_model import Settings
from .sources import named_files


def private_paths(settings: Settings) -> list[Path]:
    """Return the real paths that no external file may be read from: they hold keys and data."""
    places = [settings.server.data_dir, settings.storage.directory, *private_code()]
    places += database_files(settings)
    if config := config_file():
        places.append(config)
    if settings.logs.audit_file is not None:
        places.append(settings.logs.audit_file)
    places += named_files(os.environ)
    return [place.resolve() for place in places]


def config_file() -> Path | None:
    """Return the configuration file of this process, if it has one."""
    config = os.environ.get("TILED_CONFIG")
    return Path(config) if config else None


def database_files(settings: Settings) -> list[Path]:
    """Return the files of an SQLite database, whether or not they exist yet; else nothing."""
    scheme, _, path = settings.database.uri.partition(":///")
    if not scheme.startswith("sqlite"):
        return []
    return [Path(path + suffix) for suffix in ("", "-wal", "-shm")]


def create_directories(settings: Settings) -> None:
    """Create missing folders. Raises ConfigError if that is impossible."""
    folders = {
        "server.data_dir": settings.server.data_dir,
        "storage.directory": settings.storage.directory,
    }
    files = database_files(settings)
    if files:
        folders["database.uri"] = files[0].parent
    for name, folder in folders.items():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{name} needs the folder {folder}, which cannot be made ({error.strerror}); name "
                "one that this user may write to."
            ) from None
    if files:
        _make_private(files[0])
    for file in secret_files(settings):
        # The mode of another user's file cannot be changed; the checks at the start report it.
        if is_open_to_others(file):
            with suppress(OSError):
                file.chmod(stat.S_IRUSR | stat.S_IWUSR)


def secret_files(settings: Settings) -> list[Path]:
    """Return the files that only the server's user may read; they need not exist."""
    folder = settings.server.data_dir
    return [folder / "api_key", folder / "secret_key", *database_files(settings)]


def is_open_to_others(path: Path) -> bool:
    """Return whether the group or other users may do anything with an existing file."""
    with suppress(OSError):
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    return False


def is_open_to_all(path: Path) -> bool:
    """Return whether all users of the machine may read an existing file."""
    with suppress(OSError):
        return bool(path.stat().st_mode & stat.S_IROTH)
    return False


def _make_private(database: Path) -> None:
    """Create the file for an SQLite database, which gives its mode to those beside it."""
    try:
        os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigError(
            f"database.uri needs the file {database}, which cannot be made ({error.strerror}); "
            "name one that this user may write to."
        ) from None
