"""`manage.py import-tiled`: import a catalog of Tiled, its accounts and its configuration."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.errors import ServiceError
from core.program import program
from tiledproject.tiled_import.configuration.conversion import convert, write_settings
from tiledproject.tiled_import.configuration.converted import Converted
from tiledproject.tiled_import.configuration.reading import read_configuration
from tiledproject.tiled_import.errors import ImportRefused
from tiledproject.tiled_import.report import ImportReport
from tiledproject.tiled_import.run import ImportOptions, Run
from tiledproject.tiled_import.verification import DIFFERENT

NOTHING = (
    "Say what to import: --catalog URI, --authn URI, --from https://..., or --config FILE to "
    "convert a configuration."
)

TEXTS = (
    ("--catalog", "URI", "catalog database of Tiled"),
    ("--authn", "URI", "authentication database of Tiled"),
    (
        "--from",
        "URL",
        "import from this running server; with --catalog, compare samples with it",
    ),
    ("--api-key", "KEY", "API key for --from; default: TILED_API_KEY"),
    ("--into", "PATH", "the container to import into (the root)"),
    ("--only", "PATH", "import only this node, and those below"),
)
FLAGS = (
    ("--revisions", "with --from, also import revisions: one more request per node"),
    (
        "--copy-data",
        "copy data that Tiled manages to this server's storage, where they can be written to; "
        "otherwise they are registered where they are",
    ),
    ("--dry-run", "only report what would be imported"),
)
FILES = (
    ("--config", "configuration of Tiled, which is converted and printed"),
    ("--write-config", "write the converted configuration to this file instead"),
    ("--report", "write the report to this file, too, as JSON"),
)


class Command(BaseCommand):
    """Imports from Tiled 0.2.20, from its databases or over HTTP."""

    help = "Import nodes, data, users, API keys and the configuration of Tiled 0.2.20. An import "
    help += "that was interrupted continues when it is run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to import, and how."""
        for option, metavar, text in TEXTS:
            parser.add_argument(option, metavar=metavar, help=text)
        for option, text in FLAGS:
            parser.add_argument(option, action="store_true", help=text)
        for option, text in FILES:
            parser.add_argument(option, type=Path, metavar="FILE", help=text)
        parser.add_argument(
            "--sql-storage",
            action="append",
            default=[],
            metavar="URI",
            help="address, with its password, of a database with tables of Tiled; may be repeated",
        )
        parser.add_argument(
            "--verify",
            type=int,
            default=5,
            metavar="NUMBER",
            help="compare this many nodes of each kind with Tiled's data afterwards (5)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import. Raises CommandError."""
        wanted = [options[name] for name in ("catalog", "authn", "from")]
        if not any(wanted) and options["config"] is None:
            raise CommandError(NOTHING)
        try:
            converted = self._configuration(options)
            if any(wanted):
                self._import(options, converted)
        except ImportRefused as error:
            raise CommandError(str(error)) from None
        except ServiceError as error:
            raise CommandError(error.detail) from None
        except DatabaseError as error:
            raise CommandError(f"{error}; has `{program()} migrate` been run?") from None

    def _configuration(self, options: dict[str, Any]) -> Converted:
        if options["config"] is None:
            return Converted()
        converted = convert(read_configuration(options["config"]))
        if options["write_config"] is not None:
            try:
                write_settings(converted, options["write_config"])
            except OSError as error:
                raise ImportRefused(
                    f"--write-config {options['write_config']}: {error.strerror}."
                ) from error
            self.stdout.write(f"The settings are in {options['write_config']}.")
        else:
            self.stdout.write(converted.text())
        return converted

    def _import(self, options: dict[str, Any], converted: Converted) -> None:
        run = Run(
            ImportOptions(
                catalog=options["catalog"],
                authentication=options["authn"],
                server=options["from"],
                api_key=options["api_key"] or os.environ.get("TILED_API_KEY"),
                into=(options["into"] or "").strip("/"),
                only=tuple(filter(None, (options["only"] or "").split("/"))),
                storages=options["sql_storage"],
                copy_data=options["copy_data"],
                dry_run=options["dry_run"],
                revisions=options["revisions"],
                samples=max(options["verify"], 0),
                configuration=converted,
            ),
            lambda text: self.stderr.write(f"{text} ..."),
        )
        try:
            report = run.run()
        except KeyboardInterrupt:
            raise CommandError("Interrupted; run the same command again to continue.") from None
        self._tell(report, options)

    def _tell(self, report: ImportReport, options: dict[str, Any]) -> None:
        done = "Would be imported:" if options["dry_run"] else "Imported:"
        self.stdout.write("\n".join([done, *report.lines()]))
        if options["report"] is not None:
            report.write(options["report"])
        if any(text.startswith(DIFFERENT) for text in report.findings):
            raise CommandError("Samples differ from Tiled; see above.")
