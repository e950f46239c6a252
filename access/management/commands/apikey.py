"""`manage.py apikey`: keys besides the site's own, and keys of users and services."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from access.accounts.accounts import get_named_account
from access.api_keys.expiry import parse_expiry
from access.api_keys.issuing import ApiKeyRequest, issue_for_account
from access.api_keys.store import create_key, revoke_key
from access.config import authentication_settings
from access.models import Account, ApiKey
from access.principals import ACCOUNT_SCOPES, Scope
from core.errors import Invalid, ServiceError

from ..tables import columns, format_time

HEADER = ("KEY", "SCOPES", "EXPIRES", "LAST USED", "CREATED", "NOTE")
OWNER = "OWNER"
NO_OWNER = (
    "This site has users: say whose the key is to be, with --user NAME or --service UUID, as "
    "`manage.py principal list` shows them."
)
NO_USERS = "This site has no users; leave out --user and --service."


class Command(BaseCommand):
    """Makes, lists and revokes keys."""

    help = "Make, list and revoke API keys: with fewer rights than the site's own, or of users."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand for each thing that can be done."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print its secret, this once")
        create.add_argument(
            "--scopes",
            type=_scopes,
            metavar="SCOPE,...",
            help=f"what it allows: {', '.join(Scope)}; left out for a user or a service, all "
            "that they may do",
        )
        create.add_argument(
            "--expires",
            type=_moment,
            metavar="WHEN",
            help="a duration (90m, 12h, 7d, 4w) or a date; left out, it does not expire",
        )
        create.add_argument("--note", default="", metavar="TEXT", help="what it is for")
        owner = create.add_mutually_exclusive_group()
        owner.add_argument("--user", metavar="NAME", help="whose it is, on a site with users")
        owner.add_argument("--service", metavar="UUID", help="or the service whose it is")
        create.add_argument(
            "--tags",
            type=_names,
            metavar="TAG,...",
            help="only what has one of these access tags",
        )
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
        owner = _owner(options)
        key, secret = _of_site(options) if owner is None else _of_account(owner, options)
        whose = f" of {owner}" if owner else ""
        until = f"until {format_time(key.expires)}" if key.expires else "without an end"
        self.stderr.write(
            f"Key {key}{whose} for {', '.join(key.scopes)}, {until}. Its secret is shown this once:"
        )
        self.stdout.write(secret)

    def _list(self, options: dict[str, Any]) -> None:
        owned = authentication_settings().multi_user
        header = (*HEADER[:1], OWNER, *HEADER[1:]) if owned else HEADER
        keys = ApiKey.objects.select_related("owner__user")
        for line in columns([header, *(_row(key, owned=owned) for key in keys)]):
            self.stdout.write(line)

    def _revoke(self, options: dict[str, Any]) -> None:
        with_it = revoke_key(options["first_eight"]) - 1
        also = f", and with it {with_it} that were made with it" if with_it else ""
        self.stdout.write(f"Key {options['first_eight']} is revoked{also}.")


def _owner(options: dict[str, Any]) -> Account | None:
    named = options["user"] or options["service"]
    if not authentication_settings().multi_user:
        if named:
            raise Invalid(NO_USERS)
        return None
    if not named:
        raise Invalid(NO_OWNER)
    return get_named_account(user=options["user"], service=options["service"])


def _of_site(options: dict[str, Any]) -> tuple[ApiKey, str]:
    scopes = options["scopes"]
    if scopes is None:
        raise Invalid("Say what the key allows, with --scopes.")
    if without := scopes & ACCOUNT_SCOPES:
        raise Invalid(f"Nobody can have the scopes {sorted(without)} on a site without users.")
    return create_key(scopes=scopes, expires=options["expires"], note=options["note"])


def _of_account(owner: Account, options: dict[str, Any]) -> tuple[ApiKey, str]:
    expires = options["expires"]
    requested = ApiKeyRequest(
        scopes=options["scopes"],
        lifetime=None if expires is None else expires - timezone.now(),
        access_tags=options["tags"],
        note=options["note"],
    )
    return issue_for_account(account=owner, requested=requested)


def _row(key: ApiKey, *, owned: bool) -> tuple[str, ...]:
    expires = format_time(key.expires) if key.is_valid() else "expired"
    owner = (str(key.owner or "the site"),) if owned else ()
    used = format_time(key.last_used)
    return (
        key.first_eight,
        *owner,
        ",".join(key.scopes),
        expires,
        used,
        format_time(key.time_created),
        key.note,
    )


def _scopes(text: str) -> frozenset[Scope]:
    names = _names(text)
    if unknown := names - {scope.value for scope in Scope}:
        raise ArgumentTypeError(
            f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(Scope)}"
        )
    if not names:
        raise ArgumentTypeError("A key needs at least one scope.")
    return frozenset(map(Scope, names))


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _moment(text: str) -> datetime:
    try:
        return parse_expiry(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
