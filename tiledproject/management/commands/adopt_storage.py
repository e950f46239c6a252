"""`manage.py adopt_storage`: let a storage directory and a database belong together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from catalog.services.site_marker import adopt_storage
from catalog.storage.errors import StorageUnavailable


class Command(BaseCommand):
    """Marks the storage as that of the database."""

    help = (
        "Mark the storage (storage.directory or storage.uri) as the one that belongs to the "
        "database, after either was replaced, as from a copy. Servers refuse to start on a storage "
        "that is not marked so."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Mark the storage directory as this site's."""
        call_command("migrate", interactive=False, verbosity=0)
        place = settings.TILED.storage.uri or settings.TILED.storage.directory
        try:
            mark = adopt_storage()
        except StorageUnavailable as error:
            raise CommandError(f"The mark cannot be written to {place}. {error}") from None
        except OSError as error:
            raise CommandError(
                f"The mark cannot be written to {place} ({error.strerror}); make the folder "
                "writable for this user."
            ) from None
        self.stdout.write(f"{place} belongs to the database now (mark {mark}).")
