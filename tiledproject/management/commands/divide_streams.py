"""`manage.py divide_streams`: divide the streams among the Redis of the configuration."""

from __future__ import annotations

from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.text import format_count
from streaming.shards import shards
from streaming.writing.division import divide
from tiledproject.servers.site_in_use import SiteInUse, refuse_running
from tiledproject.start_checks import refuse_outdated


class Command(BaseCommand):
    """Removes the streams that move, and lets the database name the Redis."""

    help = (
        "Divide the streams of the site among the Redis of streaming_cache.uri, after one was "
        "added or removed. Stop all servers first. Streams that move begin again, and subscribers "
        "to them receive a reset; stored data do not change."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Divide, and print what was done. Raises CommandError."""
        refuse_outdated()
        each = shards(settings.TILED.streaming_cache)
        if not each:
            raise CommandError("streaming_cache.uri names no Redis: there is nothing to divide.")
        try:
            refuse_running(settings.TILED)
            removed = divide()
        except SiteInUse as error:
            raise CommandError(str(error)) from None
        except (redis.RedisError, OSError) as error:
            raise CommandError(
                f"A Redis of streaming_cache.uri does not respond ({error}); start all of them, "
                "and run this command again."
            ) from None
        self.stdout.write(
            f"The streams are divided among {len(each)} Redis. Removed "
            f"{format_count(removed, 'key')} of streams that begin again."
        )
