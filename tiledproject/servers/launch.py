"""Prepare the environment of management commands, before Django reads its settings.

The options of `serve` are translated to environment variables, which all worker processes inherit.
A site without a Redis gets an embedded Valkey. It belongs to the process that the user started, so
that it survives reloads of `runserver` and serves all workers of `serve`. Other commands use the
Valkey of the running server, so that their changes reach the subscribers.
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

from ..config.sections import FILE_SUFFIX, setting_of
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
            # Otherwise a process that `runserver` restarts after a change would keep the port.
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
    """Let a command use the Valkey of the server that runs on the same data directory."""
    settings = load(environment)
    if settings.streaming_cache.uri is None:
        uri = valkey_address.discover(settings.server.data_dir)
        if uri is not None:
            environment["TILED_STREAMING_CACHE_URI"] = uri


def _apply_options(
    arguments: Sequence[str], environment: MutableMapping[str, str], surroundings: ExitStack
) -> dict[str, str]:
    """Write the options into `environment`; return the option's name for each variable."""
    options = parse_options(arguments)
    temporary = None
    if options.temp:
        temporary = tempfile.mkdtemp(prefix="tiled-")
        surroundings.callback(shutil.rmtree, temporary, ignore_errors=True)
    given = options_to_environment(options, temporary)
    hide_secrets([given[name] for name in SECRET_OPTIONS if name in given])
    chosen = {setting_of(variable) for variable in given} - {None}
    if temporary is not None:
        chosen.add(("storage", "uri"))
    for variable in list(environment):
        # An option wins over the environment, in which the setting may have another form.
        if setting_of(variable.removesuffix(FILE_SUFFIX)) in chosen:
            del environment[variable]
    environment.update(given)
    labels = {variable: LABELS[variable] for variable in given if variable in LABELS}
    return labels if temporary is None else {**labels, "TILED_STORAGE_DIRECTORY": "--temp"}


def _end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
