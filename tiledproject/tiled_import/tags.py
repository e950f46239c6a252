"""Access tags of Tiled, with their grants and owners, as tags and grants here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from access.accounts.accounts import get_or_create_account
from access.models import Account, Grant, Identity, Tag, WellKnownHolder
from access.models.rights import PUBLIC, RESERVED, check_tag_name
from access.permissions.tag_permissions import NODE_SCOPES, bump_version
from access.principals import READ

from .accounts import Names, free_name, is_local
from .report import ImportReport
from .source.database import SourceDatabase

TAGS = "SELECT id, name, is_public FROM access_tags ORDER BY id"
GRANTS = """SELECT g.tag_id, p.name, CAST(g.scope AS varchar(64)) FROM access_grants g
    JOIN access_tags_principals p ON p.id = g.principal_id"""
OWNERS = """SELECT o.tag_id, p.name FROM access_tag_owners_association o
    JOIN access_tags_principals p ON p.id = o.principal_id"""
UNKNOWN = (
    "Grants to principals who are not users yet, and whose identity provider is unknown, were "
    "left out: import with --authn and --config"
)


@dataclass(frozen=True, slots=True)
class TagImport:
    """Imports tags and grants. `provider` is the one that the names in grants come from."""

    database: SourceDatabase
    names: Names
    report: ImportReport
    provider: str | None = None

    def run(self) -> None:
        """Import all tags; those that exist keep their grants, and get those of Tiled too."""
        scopes: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for tag, name, scope in self.database.rows(GRANTS):
            scopes[tag][name].add(scope)
        owners: dict[int, set[str]] = defaultdict(set)
        for tag, name in self.database.rows(OWNERS):
            owners[tag].add(name)
        with transaction.atomic():
            bump_version()
            for pk, name, public in self.database.rows(TAGS):
                if name.casefold() != PUBLIC and not name.startswith(RESERVED):
                    self._tag(name, bool(public), scopes[pk], owners[pk])

    def _tag(self, name: str, public: bool, scopes: dict[str, set[str]], owners: set[str]) -> None:
        try:
            check_tag_name(name)
        except ValidationError as error:
            self.report.find("Tags with such names cannot exist here", f"{name}: {error.message}")
            return
        tag, made = Tag.objects.get_or_create(name=name, defaults={"note": "imported from Tiled"})
        self.report.count("access tags" if made else "access tags that existed")
        if public:
            self._grant(tag, {"audience": WellKnownHolder.everybody}, set(READ), applies=False)
        for holder in sorted({*scopes, *owners}):
            account = self.names.accounts.get(holder) or self._new_user(holder)
            if account is None:
                self.report.find(UNKNOWN, f"{name}: {holder}")
                continue
            held = scopes.get(holder, set())
            if foreign := held - set(NODE_SCOPES):
                self.report.find(
                    "Grants of scopes that are not about nodes were left out",
                    f"{name}, {holder}: {', '.join(sorted(foreign))}",
                )
            self._grant(tag, {"account": account}, held & set(NODE_SCOPES), holder in owners)

    def _grant(self, tag: Tag, holder: dict[str, Any], scopes: set[str], applies: bool) -> None:
        values = {"scopes": sorted(map(str, scopes)), "may_apply": applies}
        _, made = Grant.objects.get_or_create(tag=tag, **holder, defaults=values)
        self.report.count("grants" if made else "grants that existed")

    def _new_user(self, identifier: str) -> Account | None:
        """Create the user that a grant is for, who has never logged in to Tiled."""
        if self.provider is None:
            return None
        account = self._known(self.provider, identifier)
        if account is None:
            user = User.objects.create_user(free_name(identifier))
            account = get_or_create_account(user)
            if not is_local(self.provider):
                Identity.objects.create(
                    account=account, provider=self.provider, identifier=identifier
                )
            self.report.count("users who have grants, and had never logged in")
        self.names.accounts[identifier] = account
        return account

    def _known(self, provider: str, identifier: str) -> Account | None:
        if is_local(provider):
            return Account.objects.filter(user__username=identifier).first()
        identities = Identity.objects.select_related("account")
        identity = identities.filter(provider=provider, identifier=identifier).first()
        return identity.account if identity else None
