"""One run of the import, in the order in which its parts depend on each other.

Accounts come first, since grants are for accounts, and tags of nodes may name them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction

from access.config import authentication_settings
from access.models import Identity
from access.permissions.tag_permissions import tags_enabled
from catalog.models import Node
from catalog.services.nodes.tags import tag_nodes

from .accounts import AccountImport, Names
from .configuration.converted import Converted
from .conversion import Conversion
from .left_out import AUTHENTICATION, CATALOG, tell_left_out
from .node_import import NodeImport
from .report import ImportReport
from .samples import Samples
from .source.catalog import DatabaseSource
from .source.database import (
    AUTHENTICATION_REVISION,
    CATALOG_REVISION,
    SourceDatabase,
    open_database,
)
from .source.records import TiledSource
from .source.server import ServerSource, TiledServer, is_readable_here
from .source.stored_values import SqlStorages
from .tags import TagImport
from .verification import SampleVerification

NO_USERS = (
    "This site has no users, so that imported API keys are not valid: set authentication.providers "
    "(--config converts those of Tiled)"
)
NO_TAGS = (
    "Nodes have access tags, which are imported and have no effect: set "
    "authentication.access_policy to tags"
)


@dataclass(slots=True)
class ImportOptions:
    """What to import, and how."""

    catalog: str | None = None
    authentication: str | None = None
    server: str | None = None
    api_key: str | None = None
    into: str = ""
    only: tuple[str, ...] = ()
    storages: list[str] = field(default_factory=list)
    copy_data: bool = False
    dry_run: bool = False
    revisions: bool = False
    samples: int = 5
    configuration: Converted = field(default_factory=Converted)


@dataclass(slots=True)
class Run:
    """A run with these options; `tell` prints one line about a step."""

    options: ImportOptions
    tell: Callable[[str], None]
    report: ImportReport = field(default_factory=ImportReport)

    def run(self) -> ImportReport:
        """Import everything that the options name. Raises ImportRefused."""
        options = self.options
        with ExitStack() as stack:
            database = None
            if options.catalog:
                database = stack.enter_context(
                    open_database(options.catalog, option="--catalog", revision=CATALOG_REVISION)
                )
            names = self._accounts(stack)
            if database is not None:
                self._tags(database, names)
            server = TiledServer(options.server, options.api_key) if options.server else None
            over_http = (
                ServerSource(server, self.report, options.revisions, options.only)
                if server
                else None
            )
            if database is not None:
                storages = SqlStorages([*options.storages, *options.configuration.storages])
                storages.configured = [*storages.configured, options.catalog or ""]
                stack.callback(storages.close)
                # A server beside the database serves the verification.
                self._nodes(DatabaseSource(database, storages), names, over_http)
                tell_left_out(database, CATALOG, self.report)
            elif over_http is not None:
                self._nodes(over_http, names, None)
        if not (options.dry_run or options.into or options.only):
            self._root()
        return self.report

    def _accounts(self, stack: ExitStack) -> Names:
        options, converted = self.options, self.options.configuration
        if not options.authentication:
            return Names()
        if not authentication_settings().multi_user:
            self.report.find(NO_USERS)
        self.tell("Accounts and API keys")
        database = stack.enter_context(
            open_database(
                options.authentication, option="--authn", revision=AUTHENTICATION_REVISION
            )
        )
        tell_left_out(database, AUTHENTICATION, self.report)
        importing = AccountImport(
            database, self.report, converted.passwords, converted.tag_provider
        )
        with transaction.atomic():
            names = importing.run()
            self._admins()
            if options.dry_run:
                transaction.set_rollback(True)
        return names

    def _admins(self) -> None:
        for provider, identifier in self.options.configuration.admins:
            identity = Identity.objects.filter(provider=provider, identifier=identifier).first()
            user = identity.account.user if identity else None
            if isinstance(user, User) and not user.is_superuser:
                user.is_superuser = user.is_staff = True
                user.save(update_fields=["is_superuser", "is_staff"])

    def _tags(self, database: SourceDatabase, names: Names) -> None:
        self.tell("Access tags and grants")
        provider = self.options.configuration.tag_provider
        if provider is None and len(names.providers) == 1:
            (provider,) = names.providers
        with transaction.atomic():
            TagImport(database, names, self.report, provider).run()
            if self.options.dry_run:
                transaction.set_rollback(True)
        if not tags_enabled() and database.value(
            "SELECT count(*) FROM node_access_tags_association"
        ):
            self.report.find(NO_TAGS)

    def _nodes(self, source: TiledSource, names: Names, comparison: TiledSource | None) -> None:
        options = self.options
        samples = Samples(0 if options.dry_run else options.samples)
        conversion = Conversion(
            into=options.into,
            copy_data=options.copy_data,
            report=self.report,
            renamed=names.renamed,
            copies=None
            if options.catalog
            else lambda data: options.copy_data or not is_readable_here(data),
        )
        NodeImport(
            source, conversion, self.report, samples, dry_run=options.dry_run, only=options.only
        ).run()
        if samples.size:
            self.tell("Verification")
            SampleVerification(comparison or source, self.report).run(samples)

    def _root(self) -> None:
        """Give the root what Tiled's configuration says of it, unless it has that already."""
        converted = self.options.configuration
        root = Node.objects.filter(path="")
        if converted.root_metadata:
            root.filter(metadata={}).update(metadata=converted.root_metadata)
        if converted.root_tags:
            tag_nodes(path="", tags=converted.root_tags, recursive=False)
