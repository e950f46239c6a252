"""`manage.py principal`: users and services, as keys and rights know them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from access.accounts.account_state import state_of_account
from access.accounts.accounts import create_service
from access.models import Account
from access.roles import Role

from ..tables import columns, format_time

HEADER = ("PRINCIPAL", "KIND", "NAME", "ROLE", "KEYS", "SESSIONS", "CREATED", "NOTE")


class Command(BaseCommand):
    """Lists principals, and makes services."""

    help = "List users and services, and make services; users are made by createsuperuser, in the "
    help += "admin, or by logging in at a provider."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand for each thing that can be done."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="show all")
        service = actions.add_parser("create-service", help="make a service and print its UUID")
        service.add_argument("--role", choices=[role.value for role in Role], default=Role.user)
        service.add_argument("--note", default="", metavar="TEXT", help="what it is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if options["action"] == "list":
            self._list()
        else:
            account = create_service(role=Role(options["role"]), note=options["note"])
            self.stdout.write(str(account.uuid))

    def _list(self) -> None:
        accounts = Account.objects.select_related("user").prefetch_related("keys", "sessions")
        for line in columns([HEADER, *map(_row, accounts)]):
            self.stdout.write(line)


def _row(account: Account) -> tuple[str, ...]:
    state = state_of_account(account)
    return (
        str(account.uuid),
        account.kind,
        state.name,
        state.role.value if state.active else "barred",
        str(len(account.keys.all())),
        str(sum(not session.revoked for session in account.sessions.all())),
        format_time(account.time_created),
        account.note,
    )
