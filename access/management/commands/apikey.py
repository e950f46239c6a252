"""`manage.py apikey`: keys besides the site's own."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from access.api_keys import create_key, revoke_key
from access.durations import moment
from access.errors import ServiceError
from access.models import ApiKey
from access.principals import Scope

HEADER = ("KEY", "SCOPES", "EXPIRES", "LAST USED", "CREATED", "NOTE")


class Command(BaseCommand):
    """Makes, lists and revokes keys."""

    help = "Make, list and revoke API keys with fewer rights than the site's own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand for each thing that can be done."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print its secret, this once")
        create.add_argument(
            "--scopes",
            type=_scopes,
            required=True,
            metavar="SCOPE,...",
            help=f"what it allows: {', '.join(Scope)}",
        )
        create.add_argument(
            "--expires",
            type=_moment,
            metavar="WHEN",
            help="a duration (90m, 12h, 7d, 4w) or a date; left out, it does not expire",
        )
        create.add_argument("--note", default="", metavar="TEXT", help="what it is for")
        actions.add_parser("list", help="show all keys")
        revoke = actions.add_parser("revoke", help="end a key, and whatever it has open")
        revoke.add_argument("first_eight", metavar="KEY", help="the eight digits that name it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raises CommandError with one sentence where that is impossible."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except ServiceError as error:
            raise CommandError(error.detail) from None
        except DatabaseError as error:
            raise CommandError(f"{error}; has `manage.py migrate` been run?") from None

    def _create(self, options: dict[str, Any]) -> None:
        key, secret = create_key(
            scopes=options["scopes"], expires=options["expires"], note=options["note"]
        )
        until = f"until {_written(key.expires)}" if key.expires else "without an end"
        self.stderr.write(
            f"Key {key} for {', '.join(key.scopes)}, {until}. Its secret is shown this once:"
        )
        self.stdout.write(secret)

    def _list(self, options: dict[str, Any]) -> None:
        rows = [HEADER, *map(_row, ApiKey.objects.all())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def _revoke(self, options: dict[str, Any]) -> None:
        revoke_key(options["first_eight"])
        self.stdout.write(f"Key {options['first_eight']} is revoked.")


def _row(key: ApiKey) -> tuple[str, ...]:
    expires = _written(key.expires) if key.is_valid() else "expired"
    used = _written(key.last_used)
    return (
        key.first_eight,
        ",".join(key.scopes),
        expires,
        used,
        _written(key.time_created),
        key.note,
    )


def _written(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "never"


def _scopes(text: str) -> frozenset[Scope]:
    names = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := names - {scope.value for scope in Scope}:
        raise ArgumentTypeError(
            f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(Scope)}"
        )
    return frozenset(map(Scope, names))


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
