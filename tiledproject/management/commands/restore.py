"""`manage.py restore`: restore a backup into an empty site."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.storage.errors import StorageError
from core.program import program
from core.text import format_count
from tiledproject.backups.errors import BackupError
from tiledproject.backups.restore import restore_backup


class Command(BaseCommand):
    """Restores a backup."""

    help = (
        "Restore the newest backup in FOLDER, or the one that FOLDER is, into this site: database, "
        "stored data and keys. The site must be empty, and its servers stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "folder", metavar="FOLDER", type=Path, help="the folder of all backups, or one of them"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="delete all nodes, data, users and keys of this site first",
        )
        parser.add_argument(
            "--skip-damaged",
            action="store_true",
            help="leave out files whose digest differs from that in the manifest",
        )

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Restore the backup, and print one sentence. Raises CommandError."""
        os.umask(0o077)
        try:
            report = restore_backup(
                settings.TILED,
                folder,
                force=options["force"],
                skip_damaged=options["skip_damaged"],
                warn=self.stderr.write,
            )
        except BackupError as error:
            raise CommandError(str(error)) from None
        except StorageError as error:
            raise CommandError(
                f"The site is incomplete: {error} Restore again with --force."
            ) from None
        except OSError as error:
            raise CommandError(
                f"The site is incomplete: {error.strerror} ({error.filename}); remove the reason, "
                "and restore again with --force."
            ) from None
        except DatabaseError as error:
            raise CommandError(
                f"The site is incomplete: the database failed: {error}. Restore again with --force."
            ) from None
        for name in report.damaged:
            self.stderr.write(f"Left out the damaged file {name}.")
        for warning in report.warnings:
            self.stderr.write(warning)
        self.stdout.write(
            f"Restored {format_count(report.nodes, 'node')} and "
            f"{format_count(report.files, 'file')} from {report.folder}; "
            f"run `{program()} verify` to read all of them."
        )
        if report.damaged:
            raise CommandError(f"Damaged files that were left out: {len(report.damaged)}.")
