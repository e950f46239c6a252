"""`manage.py tag`: access tags, what they allow to whom, and the nodes that have them."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from access.models import Tag
from access.models.rights import PUBLIC, RESERVED
from access.permissions.tag_permissions import NODE_SCOPES, tags_enabled
from access.permissions.tags import ROLES, create_tag, delete_tag, get_tag, grant, revoke
from access.principals import Scope
from catalog.services.nodes.tags import tag_nodes
from core.errors import ServiceError

HOLDERS = "user:NAME, service:UUID, group:NAME, users (all of them) or everybody"


class Command(BaseCommand):
    """Makes tags, grants what they allow, and gives them to nodes."""

    help = "Say who may see, read and write which nodes, by access tags."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand for each thing that can be done."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a tag, which allows nothing yet")
        create.add_argument("tag")
        create.add_argument("--note", default="", metavar="TEXT", help="what it is for")
        delete = actions.add_parser("delete", help="delete a tag, with all that it allows")
        delete.add_argument("tag")
        actions.add_parser("list", help="show all tags, and what they allow to whom")
        allow = actions.add_parser("grant", help="let somebody do something on nodes with a tag")
        allow.add_argument("tag")
        allow.add_argument("holder", help=HOLDERS)
        what = allow.add_mutually_exclusive_group(required=True)
        what.add_argument("--role", choices=ROLES, help="; ".join(map(_role, ROLES)))
        what.add_argument("--scopes", type=_scopes, metavar="SCOPE,...", help=_names(NODE_SCOPES))
        allow.add_argument(
            "--may-apply", action="store_true", help="also to give the tag to nodes, or to take it"
        )
        take = actions.add_parser("revoke", help="let somebody do nothing more by a tag")
        take.add_argument("tag")
        take.add_argument("holder", help=HOLDERS)
        apply = actions.add_parser("apply", help="give a node these tags instead of those it has")
        apply.add_argument("path", help="the node; / is the root")
        apply.add_argument("tags", nargs="*", metavar="tag", help="none: only admins see the node")
        apply.add_argument("--recursive", action="store_true", help="and all that is below it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raises CommandError with one sentence where that is impossible."""
        if not tags_enabled():
            self.stderr.write(
                "This site has no rights per node: tags count once the setting "
                "authentication.access_policy is `tags`."
            )
        try:
            getattr(self, f"_{options['action']}")(options)
        except ServiceError as error:
            raise CommandError(error.detail) from None
        except DatabaseError as error:
            raise CommandError(f"{error}; has `manage.py migrate` been run?") from None

    def _create(self, options: dict[str, Any]) -> None:
        create_tag(name=options["tag"], note=options["note"])
        self.stdout.write(f"Tag {options['tag']} is made.")

    def _delete(self, options: dict[str, Any]) -> None:
        delete_tag(name=options["tag"])
        self.stdout.write(f"Tag {options['tag']} is deleted.")

    def _list(self, options: dict[str, Any]) -> None:
        for tag in Tag.objects.prefetch_related("grants__account__user", "grants__group"):
            self.stdout.write(f"{tag.name}  {tag.note}".rstrip())
            for held in tag.grants.all():
                self.stdout.write(f"    {held}{', may apply' if held.may_apply else ''}")

    def _grant(self, options: dict[str, Any]) -> None:
        role = options["role"]
        held = grant(
            tag=options["tag"],
            holder=options["holder"],
            scopes=ROLES[role] if role else options["scopes"],
            may_apply=options["may_apply"] or role == "manager",
        )
        self.stdout.write(f"{held.tag}: {held}{', may apply' if held.may_apply else ''}")

    def _revoke(self, options: dict[str, Any]) -> None:
        revoke(tag=options["tag"], holder=options["holder"])
        self.stdout.write(f"{options['holder']} may do nothing more by {options['tag']}.")

    def _apply(self, options: dict[str, Any]) -> None:
        for name in options["tags"]:
            if name.casefold() != PUBLIC and not name.startswith(RESERVED):
                get_tag(name)
        path, tags = options["path"].strip("/"), options["tags"]
        count = tag_nodes(path=path, tags=tags, recursive=options["recursive"])
        nodes = "1 node" if count == 1 else f"{count:,} nodes"
        self.stdout.write(f"{nodes} at /{path}: {', '.join(tags) or 'no tags'}.")


def _role(name: str) -> str:
    return f"{name}: {_names(ROLES[name])}"


def _names(scopes: frozenset[Scope]) -> str:
    return ", ".join(sorted(scopes))


def _scopes(text: str) -> frozenset[Scope]:
    names = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := names - {scope.value for scope in NODE_SCOPES}:
        raise ArgumentTypeError(
            f"there is no scope {', '.join(sorted(unknown))} of nodes; there are "
            f"{_names(NODE_SCOPES)}"
        )
    return frozenset(map(Scope, names))
