"""The threads of a server process that write frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from django.db import close_old_connections

from ..ingest_config import ingest_settings

Result = TypeVar("Result")


@lru_cache(maxsize=1)
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ingest_settings().threads, "tiled-ingest")


async def in_thread(function: Callable[..., Result], *arguments: object) -> Result:
    """Run `function` in one of the threads, each of which has its own database connection."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_executor(), _call, function, arguments)


def _call(function: Callable[..., Result], arguments: tuple[object, ...]) -> Result:
    close_old_connections()
    try:
        return function(*arguments)
    finally:
        close_old_connections()
