"""`manage.py sweep`: clear up after servers that were killed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from catalog.services.assets.cleanup import UNCLAIMED
from core.errors import Unavailable
from tiledproject.servers.cleanup import run_cleanup


class Command(BaseCommand):
    """Removes what belongs to no node."""

    help = (
        "Remove the folders and streams of nodes that no longer exist. Servers do so by themselves "
        "when they start, and once a day; it may be done while they run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How young a folder may be."""
        parser.add_argument(
            "--minutes",
            type=float,
            default=UNCLAIMED / 60,
            metavar="NUMBER",
            help="leave folders alone that have changed in so many minutes: they may be those of "
            "nodes that are just being made (%(default)g)",
        )

    def handle(self, *args: Any, minutes: float, **options: Any) -> None:
        """Remove them, and say how many they were."""
        try:
            folders, streams = run_cleanup(unclaimed=60 * minutes)
        except (Unavailable, RedisError) as error:
            raise CommandError(
                f"Folders are cleared up, but streams are not: {error}. Try again once the "
                "streaming cache answers."
            ) from None
        self.stdout.write(f"Removed {folders} folders and {streams} streams of no node.")
