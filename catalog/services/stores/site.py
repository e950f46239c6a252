"""The storage that the settings of this site name."""

from __future__ import annotations

from ...config import StorageSettings, storage_settings
from .interface import Storage

_current: tuple[StorageSettings, Storage] | None = None


def storage() -> Storage:
    """Return the storage of this site."""
    global _current
    settings, known = storage_settings(), _current
    # By identity: comparing settings would take longer than a small read.
    if known is None or known[0] is not settings:
        _current = known = (settings, _storage(settings))
    return known[1]


def _storage(settings: StorageSettings) -> Storage:
    # Imported at first use: most sites have no bucket, and do not load its client.
    if settings.bucket is None:
        from .folder.storage import FolderStorage

        return FolderStorage()
    from .bucket.storage import BucketStorage

    return BucketStorage(settings.bucket)
