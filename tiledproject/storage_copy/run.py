"""Copy the storage of a site, and switch its database to the copy.

| step | servers | changes |
| --- | --- | --- |
| copy, as often as wanted | run | the target only |
| copy the rest, then switch | are stopped | the target; then the database, in one transaction |

Several objects are copied at a time. All that is copied is read back and compared. The data in the
old place stay as they are, without their mark: a server with the old setting does not start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction

from catalog.config import storage_settings
from catalog.models import DataSource, ReplacedObject, StorageMark
from catalog.services.stores.bucket.mark import BucketMark
from catalog.services.stores.folder.cleanup import node_folders
from catalog.services.stores.removal_hold import HeldByAnother, hold_removals
from catalog.services.stores.site import storage
from catalog.services.stores.site_bucket import object_store
from catalog.storage.errors import StorageError
from catalog.storage.files import uri_path
from catalog.storage.objects.client import ObjectStore
from catalog.storage.objects.location import BucketLocation, check_uri

from ..config.settings_model import Settings
from ..servers.site_in_use import SiteInUse, refuse_running
from .errors import CopyError
from .pieces import Direction, Failure, SourcePiece, copy_pieces
from .progress import CopiedNames
from .sources import internal_sources
from .to_bucket import ToBucket
from .to_folder import ToFolder

logger = logging.getLogger(__name__)

MARK = ".site"


@dataclass
class CopyReport:
    """The outcome: data sources looked at, and problems, each in one sentence."""

    sources: int = 0
    switched: bool = False
    problems: list[str] = field(default_factory=list)


def copy_storage(
    site: Settings, location: BucketLocation | Path, *, switch: bool, skip_damaged: bool = False
) -> CopyReport:
    """Copy all internal data to `location`; with `switch`, let the database name the copy.

    Raises CopyError.
    """
    if isinstance(location, BucketLocation) == (site.storage.uri is not None):
        raise CopyError(
            "A storage is copied from a folder to a bucket, or from a bucket to a folder; use the "
            "tools of the system or of the provider to copy it to another of the same kind, while "
            "the servers are stopped, and adopt_storage afterwards."
        )
    if switch:
        _refuse_running(site)
    target = location.uri if isinstance(location, BucketLocation) else str(location)
    progress = CopiedNames(site.server.data_dir, target)
    with ExitStack() as surroundings:
        surroundings.callback(progress.close)
        _claim(location, progress)
        direction = _direction(location, progress)
        surroundings.enter_context(_held() if not switch else nullcontext())
        report = CopyReport()
        _CopyRun(direction, report, settle=switch).run(progress)
        if switch:
            if report.problems and not skip_damaged:
                raise CopyError(
                    f"{len(report.problems)} data sources could not be copied, such as: "
                    f"{report.problems[0]} Restore them from a backup, delete their nodes, or "
                    "leave them behind with --skip-damaged."
                )
            _switch(direction)
            storage().mark.remove()
            report.switched = True
            progress.remove()
    return report


def parse_target(text: str, **options: str | None) -> BucketLocation | Path:
    """Return the bucket or the folder of a URI. Raises CopyError."""
    try:
        if urlsplit(text).scheme in ("s3", "gs", "az"):
            return BucketLocation(check_uri(text), **options)  # type: ignore[arg-type]
        path = uri_path(text) if text.startswith("file:") else Path(text)
    except (ValueError, StorageError) as error:
        raise CopyError(f"{text} {error}") from None
    return path.absolute()


def _direction(location: BucketLocation | Path, progress: CopiedNames) -> Direction:
    if isinstance(location, BucketLocation):
        root = storage_settings().directory
        return ToBucket(ObjectStore(location), progress, root)
    return ToFolder(location, progress, object_store())


@dataclass
class _CopyRun:
    """Copies all data sources; those with problems go to the report, once each."""

    direction: Direction
    report: CopyReport
    settle: bool
    failed: set[int] = field(default_factory=set)

    def run(self, progress: CopiedNames) -> None:
        for source, piece, failure in copy_pieces(self.direction.objects, self._pieces()):
            if failure is not None:
                self._fail(source, failure)
            elif piece.name:
                progress.note(piece.name, piece.state)

    def _pieces(self) -> Iterator[SourcePiece]:
        for source in internal_sources():
            self.report.sources += 1
            try:
                if self.settle:
                    self.direction.settle(source)
                    source.refresh_from_db()
                for piece in self.direction.pieces(source):
                    if source.pk in self.failed:
                        break
                    yield source, piece
            except (StorageError, CopyError, OSError) as error:
                self._fail(source, error)

    def _fail(self, source: DataSource, error: Failure) -> None:
        if source.pk not in self.failed:
            self.failed.add(source.pk)
            self.report.problems.append(f"{source.node}: {error}")
            logger.warning("Could not copy %s: %s", source.node, error)


def _switch(direction: Direction) -> None:
    with transaction.atomic():
        for source in internal_sources():
            with suppress(StorageError, OSError):
                direction.switch(source)
        ReplacedObject.objects.all().delete()


def _claim(location: BucketLocation | Path, progress: CopiedNames) -> None:
    """Mark the target as this site's. Raises CopyError if it has data, or is another site's."""
    mark = StorageMark.objects.filter(pk=1).values_list("mark", flat=True).first()
    if mark is None:
        raise CopyError("This database has no mark yet; start a server of the site once.")
    try:
        known = _mark_in(location)
        if known == str(mark) and not progress.is_new:
            return
        if known in ("", str(mark)) and not _has_data(location):
            _write_mark(location, mark)
            return
    except (StorageError, OSError) as error:
        progress.remove()
        raise CopyError(f"{location} cannot be used: {error}") from None
    progress.remove()
    raise CopyError(
        f"{location} has data already, or belongs to another site; name an empty folder, or an "
        "unused prefix of a bucket."
    )


def _mark_in(location: BucketLocation | Path) -> str:
    if isinstance(location, BucketLocation):
        found = BucketMark(ObjectStore(location))
        return str(found.read() or "unreadable") if found.exists() else ""
    location.mkdir(parents=True, exist_ok=True)
    file = location / MARK
    return file.read_text().strip() if file.exists() else ""


def _has_data(location: BucketLocation | Path) -> bool:
    if isinstance(location, BucketLocation):
        objects = ObjectStore(location)
        if BucketMark(objects).site_around() is not None:
            return True
        return any(found.name != MARK for found in objects.list_objects())
    return any(node_folders(location))


def _write_mark(location: BucketLocation | Path, mark: UUID) -> None:
    if isinstance(location, BucketLocation):
        BucketMark(ObjectStore(location)).replace(mark)
    else:
        (location / MARK).write_text(f"{mark}\n")


def _refuse_running(site: Settings) -> None:
    try:
        refuse_running(site)
    except SiteInUse as error:
        raise CopyError(str(error)) from None


def _held() -> ExitStack:
    """Hold the removal of files, so that what was listed can be copied."""
    stack = ExitStack()
    try:
        stack.enter_context(hold_removals())
    except HeldByAnother:
        raise CopyError("A backup of this site is running; wait for its end.") from None
    return stack
