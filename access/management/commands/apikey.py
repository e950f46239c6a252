"""`manage.py apikey`: create, list and revoke API keys of the site, of users and of services."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.utils import timezone

from access.accounts.accounts import get_named_account
from access.api_keys.expiry import parse_expiry
from access.api_keys.issuing import ApiKeyRequest, issue_for_account
from access.api_keys.store import create_key, revoke_key
from access.config import authentication_settings
from access.models import Account, ApiKey
from access.principals import ACCOUNT_SCOPES, Scope
from core.errors import Invalid
from core.program import program
from core.subcommands import SubcommandCommand, listed, split_names

from ..tables import columns, format_time

HEADER = ("KEY", "SCOPES", "EXPIRES", "LAST USED", "CREATED", "NOTE")
OWNER = "OWNER"
NO_OWNER = (
    "On a site with users a key needs an owner: add --user NAME or --service UUID, as "
    f"`{program()} account list` shows them."
)
NO_USERS = "This site has no users; remove --user and --service."


class Command(SubcommandCommand):
    """Creates, lists and revokes API keys."""

    help = "Create, list and revoke API keys, of the site or of users and services."

    def add_subcommands(self, subcommands: Any) -> None:
        """Add `create`, `list` and `revoke`."""
        create = subcommands.add_parser("create", help="create a key and print its secret")
        create.add_argument(
            "--scopes",
            type=_scopes,
            metavar="SCOPE,...",
            help=f"scopes of the key: {', '.join(Scope)}; default for a user or a service: all "
            "scopes of its role",
        )
        create.add_argument(
            "--expires",
            type=_moment,
            metavar="WHEN",
            help="a duration (90m, 12h, 7d, 4w) or a date; default: no expiry",
        )
        create.add_argument("--note", default="", metavar="TEXT", help="note, such as its purpose")
        owner = create.add_mutually_exclusive_group()
        owner.add_argument("--user", metavar="NAME", help="owner, on a site with users")
        owner.add_argument(
            "--service",
            metavar="UUID",
            help="or the service that owns it",
        )
        create.add_argument(
            "--tags",
            type=split_names,
            metavar="TAG,...",
            help="restrict the key to nodes with one of these access tags",
        )
        subcommands.add_parser("list", help="list all keys")
        revoke = subcommands.add_parser("revoke", help="revoke a key and close its subscriptions")
        revoke.add_argument("first_eight", metavar="KEY", help="first eight digits of the key")

    def _create(self, options: dict[str, Any]) -> None:
        owner = _owner(options)
        key, secret = _of_site(options) if owner is None else _of_account(owner, options)
        whose = f" of {owner}" if owner else ""
        until = f"until {format_time(key.expires)}" if key.expires else "without expiry"
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
        others = revoke_key(options["first_eight"]) - 1
        also = f", with {others} keys that were created with it" if others else ""
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
        raise Invalid("A key of the site needs scopes: add --scopes.")
    if without := scopes & ACCOUNT_SCOPES:
        raise Invalid(
            f"The scopes {sorted(without)} require a site with users; remove them from --scopes."
        )
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
    names = split_names(text)
    if unknown := names - {scope.value for scope in Scope}:
        raise ArgumentTypeError(
            f"unknown scope {listed(unknown)}; known scopes: {', '.join(Scope)}"
        )
    if not names:
        raise ArgumentTypeError("A key needs at least one scope.")
    return frozenset(map(Scope, names))


def _moment(text: str) -> datetime:
    try:
        return parse_expiry(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
