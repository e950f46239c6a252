"""Translation of any error of a file library to a StorageError."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..bucket_files.access import take_failure
from ..errors import MissingFile, NotReady, StorageError, Unreadable, Unsupported
from ..raw_files import check_unmoved
from .optional_packages import missing_package
from .recently_modified import is_being_written
from .uris import check_kind


def to_storage_error(
    text: str, paths: Sequence[Path], otherwise: type[StorageError] = Unreadable
) -> StorageError:
    """Return the error to raise: NotReady if one of the files was modified just now."""
    if is_being_written(paths):
        return NotReady(f"{text} They are still being written.")
    return otherwise(text)


@contextmanager
def translate_errors(path: Path, paths: Sequence[Path] = ()) -> Iterator[None]:
    """Translate all errors of reading `path`, one of `paths`, to a StorageError.

    A damaged or half-written file may make its decoder raise anything. Raises OutsideReadable if
    the resolved `path` is a link after the read.
    """
    paths = paths or (path,)
    try:
        check_kind(path)
        yield
        check_unmoved(path)
    except StorageError:
        raise
    except FileNotFoundError as error:
        # Libraries may report any failure of a read so.
        if failure := take_failure((path, *paths)):
            raise failure from error
        raise to_storage_error(f"The file {path} does not exist.", paths, MissingFile) from error
    except BlockingIOError as error:
        raise NotReady(f"The file {path} is locked by its writer. Retry later.") from error
    except Exception as error:
        if failure := take_failure((path, *paths)):
            raise failure from error
        if missing := missing_package(error):
            raise Unsupported(f"The file {path} cannot be read: {missing}") from error
        raise to_storage_error(f"The file {path} cannot be read: {error}", paths) from error
