"""`manage.py tag`: access tags, their grants, and the nodes that have them."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from access.models import Tag
from access.models.rights import PUBLIC, RESERVED
from access.permissions.tag_permissions import NODE_SCOPES, tags_enabled
from access.permissions.tags import ROLES, create_tag, delete_tag, get_tag, grant, revoke
from access.principals import Scope
from catalog.services.nodes.tags import tag_nodes
from core.subcommands import SubcommandCommand, listed, split_names
from core.text import format_count

HOLDERS = "user:NAME, service:UUID, group:NAME, users (all of them) or everybody (the public)"


class Command(SubcommandCommand):
    """Create tags, grant scopes through them, and set the tags of nodes."""

    help = "Control by access tags which principals can see, read and write which nodes."

    def add_subcommands(self, actions: Any) -> None:
        """Add the subcommands of tags, of grants and of nodes."""
        create = actions.add_parser("create", help="create an access tag without grants")
        create.add_argument("tag")
        create.add_argument("--note", default="", metavar="TEXT", help="note, such as its purpose")
        delete = actions.add_parser("delete", help="delete a tag and its grants")
        delete.add_argument("tag")
        actions.add_parser("list", help="list all tags and their grants")
        allow = actions.add_parser("grant", help="grant scopes on nodes with a tag")
        allow.add_argument("tag")
        allow.add_argument("holder", help=HOLDERS)
        what = allow.add_mutually_exclusive_group(required=True)
        what.add_argument("--role", choices=ROLES, help="; ".join(map(_role, ROLES)))
        what.add_argument("--scopes", type=_scopes, metavar="SCOPE,...", help=listed(NODE_SCOPES))
        allow.add_argument(
            "--may-apply",
            action="store_true",
            help="also allow adding and removing the tag",
        )
        take = actions.add_parser("revoke", help="revoke a grant")
        take.add_argument("tag")
        take.add_argument("holder", help=HOLDERS)
        apply = actions.add_parser("apply", help="replace the tags of a node")
        apply.add_argument("path", help="the node; / is the root")
        apply.add_argument(
            "tags", nargs="*", metavar="tag", help="without tags, only admins see the node"
        )
        apply.add_argument("--recursive", action="store_true", help="also all nodes below it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand. Raises CommandError with one sentence on failure."""
        if not tags_enabled():
            self.stderr.write(
                "Access tags have no effect on this site: set authentication.access_policy to "
                "`tags`."
            )
        super().handle(*args, **options)

    def _create(self, options: dict[str, Any]) -> None:
        create_tag(name=options["tag"], note=options["note"])
        self.stdout.write(f"Created tag {options['tag']}.")

    def _delete(self, options: dict[str, Any]) -> None:
        delete_tag(name=options["tag"])
        self.stdout.write(f"Deleted tag {options['tag']}.")

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
        self.stdout.write(f"Revoked the grant of {options['tag']} to {options['holder']}.")

    def _apply(self, options: dict[str, Any]) -> None:
        for name in options["tags"]:
            if name.casefold() != PUBLIC and not name.startswith(RESERVED):
                get_tag(name)
        path, tags = options["path"].strip("/"), options["tags"]
        count = tag_nodes(path=path, tags=tags, recursive=options["recursive"])
        nodes = format_count(count, "node")
        self.stdout.write(f"{nodes} at /{path}: {', '.join(tags) or 'no tags'}.")


def _role(name: str) -> str:
    return f"{name}: {listed(ROLES[name])}"


def _scopes(text: str) -> frozenset[Scope]:
    names = split_names(text)
    if unknown := names - {scope.value for scope in NODE_SCOPES}:
        raise ArgumentTypeError(
            f"unknown scope of nodes {listed(unknown)}; known scopes: {listed(NODE_SCOPES)}"
        )
    return frozenset(map(Scope, names))
