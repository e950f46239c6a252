"""`manage.py account`: list accounts of users and services, and create services."""

from __future__ import annotations

from typing import Any

from access.accounts.account_state import state_of_account
from access.accounts.accounts import create_service
from access.models import Account
from access.roles import Role
from core.subcommands import SubcommandCommand

from ..tables import columns, format_time

HEADER = ("ACCOUNT", "KIND", "NAME", "ROLE", "KEYS", "SESSIONS", "CREATED", "NOTE")


class Command(SubcommandCommand):
    """Lists accounts and creates services."""

    help = "List the accounts of users and services, and create services. Users are created by "
    help += "createsuperuser, in the admin, or by their first login at an identity provider."

    def add_subcommands(self, subcommands: Any) -> None:
        """Add `list` and `create-service`."""
        subcommands.add_parser("list", help="list all accounts")
        service = subcommands.add_parser(
            "create-service", help="create a service and print the UUID of its account"
        )
        service.add_argument("--role", choices=[role.value for role in Role], default=Role.user)
        service.add_argument("--note", default="", metavar="TEXT", help="note, such as its purpose")

    def _create_service(self, options: dict[str, Any]) -> None:
        account = create_service(role=Role(options["role"]), note=options["note"])
        self.stdout.write(str(account.uuid))

    def _list(self, options: dict[str, Any]) -> None:
        accounts = Account.objects.select_related("user").prefetch_related("keys", "sessions")
        for line in columns([HEADER, *map(_row, accounts)]):
            self.stdout.write(line)


def _row(account: Account) -> tuple[str, ...]:
    state = state_of_account(account)
    return (
        str(account.uuid),
        account.kind,
        state.name,
        state.role.value if state.active else "deactivated",
        str(len(account.keys.all())),
        str(sum(not session.revoked for session in account.sessions.all())),
        format_time(account.time_created),
        account.note,
    )
