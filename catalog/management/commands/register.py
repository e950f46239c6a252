"""`manage.py register`: register the files below a folder as nodes, once or continuously."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.config import storage_settings
from catalog.directories.discovery import Rules
from catalog.directories.registrar import Registrar
from catalog.directories.watcher import watch
from catalog.lookup.nodes import resolve_family
from catalog.storage import external
from catalog.storage.bucket_files.paths import ObjectPath, is_object_uri
from catalog.storage.errors import StorageError
from core.errors import ServiceError
from core.program import program
from tiled_client.wire.structure_family import StructureFamily


class Command(BaseCommand):
    """Register a folder tree once, or for as long as it is watched."""

    help = "Register the files below a folder as nodes; with --watch also files added later."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the folder, its target container, and the rules for keys and formats."""
        parser.add_argument(
            "folder",
            type=_folder,
            metavar="FOLDER",
            help="the folder to register, or s3://BUCKET/PREFIX",
        )
        parser.add_argument(
            "--under", default="", metavar="PATH", help="the container to register in (the root)"
        )
        parser.add_argument(
            "--watch",
            action="store_true",
            help="continue until stopped: register new files, and announce growing ones",
        )
        parser.add_argument(
            "--keep-ext", action="store_true", help="keep the extensions of files in their keys"
        )
        parser.add_argument(
            "--include-ext",
            action="append",
            default=[],
            type=_extension,
            metavar=".EXT",
            help="register only files with this extension; may be repeated",
        )
        parser.add_argument(
            "--ext",
            action="append",
            default=[],
            type=_format,
            metavar=".EXT=TYPE",
            help="read files with this extension as this media type; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError if it is impossible."""
        registrar = self._registrar(options)
        level = logging.INFO if options["verbosity"] > 1 else logging.WARNING
        logging.getLogger("catalog.directories").setLevel(level)
        if options["watch"]:
            self._watch(registrar)
        else:
            registrar.scan(registrar.root)
            self._summary(registrar)

    def _registrar(self, options: dict[str, Any]) -> Registrar:
        folder: Path = options["folder"]
        if not external.is_readable(folder, storage_settings().readable):
            raise CommandError(
                f"{folder} is not in a folder or bucket that this site may read. Name it in the "
                f"setting storage.readable, as in TILED_STORAGE_READABLE={folder}."
            )
        if isinstance(folder, ObjectPath):
            self._check_prefix(folder, watched=options["watch"])
        try:
            resolve_family(options["under"], StructureFamily.container)
        except ServiceError as error:
            raise CommandError(error.detail) from None
        except DatabaseError as error:
            raise CommandError(f"{error}; has `{program()} migrate` been run?") from None
        rules = Rules(
            keep_extensions=options["keep_ext"],
            only=frozenset(options["include_ext"]),
            formats=dict(options["ext"]),
        )
        return Registrar(folder, options["under"], rules, self._line)

    def _check_prefix(self, prefix: ObjectPath, *, watched: bool) -> None:
        """Raise CommandError for a prefix without objects, and if it shall be watched."""
        if watched:
            raise CommandError(
                f"{prefix} cannot be watched: an object storage reports no changes. Run the "
                "command again, from a timer, to register new objects."
            )
        try:
            if not prefix.exists():
                raise CommandError(f"There are no objects below {prefix}.")
        except StorageError as error:
            raise CommandError(str(error)) from None

    def _watch(self, registrar: Registrar) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        for looks, _ in enumerate(watch(registrar, stop)):
            if not looks:
                self._summary(registrar)
                self._line(f"Watching {registrar.root}; Ctrl-C ends it.")

    def _summary(self, registrar: Registrar) -> None:
        counts = registrar.counts
        names = ("new", "grown", "as before", "not read")
        told = ", ".join(
            f"{counts[name]} {name}" for name in names if counts[name] or name == "new"
        )
        hint = " (--verbosity 2 prints the reason)" if counts["not read"] else ""
        self._line(f"{registrar.root}: {told}{hint}.")

    def _line(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _folder(text: str) -> Path:
    if is_object_uri(text):
        try:
            return ObjectPath.parse(text)
        except StorageError as error:
            raise ArgumentTypeError(str(error)) from None
    path = Path(text).resolve()
    if not path.is_dir():
        raise ArgumentTypeError(f"{text} is not a folder")
    return path


def _extension(text: str) -> str:
    if not text.startswith(".") or len(text) < 2:
        raise ArgumentTypeError(f"an extension must begin with a dot, as in .csv, not {text!r}")
    return text


def _format(text: str) -> tuple[str, str]:
    extension, _, mimetype = text.partition("=")
    if not any(mimetype in external.mimetypes(family) for family in StructureFamily):
        raise ArgumentTypeError(f"files of type {mimetype!r} cannot be read; see storage.adapters")
    return _extension(extension), mimetype
