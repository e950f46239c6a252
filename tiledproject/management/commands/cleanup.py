"""`manage.py cleanup`: remove data that crashed servers left behind."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from catalog.services.stores.known_nodes import MIN_AGE_SECONDS
from core.errors import Unavailable
from tiledproject.servers.cleanup import run_cleanup


class Command(BaseCommand):
    """Remove data that belong to no node."""

    help = (
        "Remove the folders and streams of nodes that no longer exist. Servers do so when they "
        "start, and once a day; it is safe to run this command while they run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--minutes`, the minimum age of a folder."""
        parser.add_argument(
            "--minutes",
            type=float,
            default=MIN_AGE_SECONDS / 60,
            metavar="NUMBER",
            help="keep folders that changed in the last NUMBER minutes: their nodes may be about "
            "to be created (%(default)g)",
        )

    def handle(self, *args: Any, minutes: float, **options: Any) -> None:
        """Remove orphaned folders, files and streams, and print how many were removed."""
        try:
            folders, streams = run_cleanup(min_age=60 * minutes)
        except (Unavailable, RedisError) as error:
            raise CommandError(
                f"Removed orphaned folders, but not orphaned streams: {error}. Run the command "
                "again when the streaming cache is available."
            ) from None
        self.stdout.write(f"Removed {folders} folders and {streams} streams of no node.")
