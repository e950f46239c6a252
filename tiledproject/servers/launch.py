"""Prepare the environment of management commands, before Django reads its settings.

The options of `serve` are settings under another name: here they become environment variables,
which reach every worker process. And a site without a Redis gets a Valkey of its own, held by the
process that the user started, so that it outlives each reload of `runserver` and serves all workers
of `serve`. Any other command uses the one of the server that runs, so that what it does reaches the
subscribers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager

from streaming.redis.embedded_valkey import EmbeddedValkey

from ..config.settings_model import load
from . import valkey_address
from .process_title import hide_secrets
from .serve_options import LABELS, SECRET_OPTIONS, options_to_environment, parse_options

SERVERS = {"serve", "runserver"}
HELP_OPTIONS = {"-h", "--help", "--version"}


@contextmanager
def command_environment(
    arguments: Sequence[str], environment: MutableMapping[str, str]
) -> Iterator[None]:
    """Prepare `environment` for a management command; clean up afterwards.

    Raises ConfigError, EmbeddedValkeyError.
    """
    with ExitStack() as surroundings:
        command = arguments[0] if arguments else ""
        if environment.get("RUN_MAIN") == "true":
            # What `runserver` starts anew after every change would hold the port for ever.
            threading.Thread(target=_end_with_parent, daemon=True).start()
        if command in SERVERS and not HELP_OPTIONS.intersection(arguments):
            labels = {}
            if command == "serve":
                labels = _apply_options(arguments[1:], environment, surroundings)
            settings = load(environment, labels)
            if settings.streaming_cache.uri is None:
                surroundings.enter_context(valkey_address.exclusive_lock(settings.server.data_dir))
                valkey = EmbeddedValkey(settings.streaming_cache.embedded_memory_bytes)
                uri = surroundings.enter_context(valkey)
                environment["TILED_STREAMING_CACHE_URI"] = uri
                surroundings.enter_context(valkey_address.published(settings.server.data_dir, uri))
        elif command and not HELP_OPTIONS.intersection(arguments):
            _use_running_valkey(environment)
        yield


def _use_running_valkey(environment: MutableMapping[str, str]) -> None:
    """Have a command use the Valkey of the server that runs on the same data folder."""
    settings = load(environment)
    if settings.streaming_cache.uri is None:
        uri = valkey_address.discover(settings.server.data_dir)
        if uri is not None:
            environment["TILED_STREAMING_CACHE_URI"] = uri


def _apply_options(
    arguments: Sequence[str], environment: MutableMapping[str, str], surroundings: ExitStack
) -> dict[str, str]:
    """Write the options into `environment`; returns how the user calls the variables."""
    options = parse_options(arguments)
    temporary = None
    if options.temp:
        temporary = tempfile.mkdtemp(prefix="tiled-")
        surroundings.callback(shutil.rmtree, temporary, ignore_errors=True)
    given = options_to_environment(options, temporary)
    hide_secrets([given[name] for name in SECRET_OPTIONS if name in given])
    environment.update(given)
    return {variable: LABELS[variable] for variable in given if variable in LABELS}


def _end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
