"""Settings of the catalog: the sections `database`, `storage` and `specs`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, Self

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .bucket_config import BucketSettings
from .readable_config import ReadableBucketSettings, ReadablePlace
from .storage.bucket_files.paths import ObjectPath
from .storage.confined_processes import Limits
from .storage.objects.location import BucketLocation

IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
DATABASE_URI = re.compile(r"(sqlite(\+\w+)?:///.+|postgres(ql)?(\+\w+)?://.*/[^/?]+(\?.*)?)")


class DatabaseSettings(BaseModel):
    """Database of the catalog."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str = Field(
        description="URI of the database: `sqlite:///PATH` (an absolute path makes four slashes) "
        "or `postgresql://USER:PASSWORD@HOST:PORT/NAME`. Default: `catalog.db` in the data "
        "directory.",
        examples=["postgresql://tiled:password@db.example.org/tiled"],
    )
    lock_timeout: float = Field(
        default=20.0,
        gt=0,
        description="Time in seconds that a write waits for another write to the same node; it is "
        "then rejected with 503. Timeouts of clients should be longer.",
        examples=["20"],
    )

    pooling: Literal["auto", "session", "transaction"] = Field(
        default="auto",
        description="Whether locks of PostgreSQL may belong to a session, which is slightly "
        "faster, or only to a transaction, as behind PgBouncer with `pool_mode = transaction`. "
        "`auto` uses transactions behind every connection pooler.",
        examples=["auto"],
    )

    replica_uri: str | None = Field(
        default=None,
        description="URI of a read replica (hot standby) of the PostgreSQL, for searches and "
        "listings. It answers if it has replayed all that was committed before the search; "
        "otherwise, and if it is away, the primary answers.",
        examples=["postgresql://tiled:password@replica.example.org/tiled"],
    )
    replica_wait: float = Field(
        default=0.1,
        ge=0,
        description="Time in seconds that a search waits for a replica that is behind, before the "
        "primary answers.",
        examples=["0.1"],
    )

    @field_validator("uri", "replica_uri")
    @classmethod
    def _known_scheme(cls, uri: str | None) -> str | None:
        if uri is not None and DATABASE_URI.fullmatch(uri) is None:
            raise ValueError(
                "is not the address of a database this server can use; write "
                "sqlite:////absolute/path/catalog.db or postgresql://user:password@host/name"
            )
        return uri

    @model_validator(mode="after")
    def _same_kind(self) -> Self:
        uris = (self.uri, self.replica_uri or "postgresql")
        if self.replica_uri is not None and any(uri.startswith("sqlite") for uri in uris):
            raise ValueError(
                "replica_uri needs a PostgreSQL in both database.uri and database.replica_uri; "
                "leave it out with SQLite"
            )
        return self


class StorageSettings(BucketSettings):
    """Storage of data, external files, and the size of responses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: Path = Field(
        description="Directory for uploaded data. Default: `storage` in the data directory. With "
        "`uri`, it has only the locks of an SQLite database.",
        examples=["/srv/tiled/storage"],
    )
    readable: list[ReadablePlace] = Field(
        default=[],
        description="Directories, and buckets as `s3://BUCKET/PREFIX` (`gs://…`, `az://…`), from "
        "which external files may be registered. Objects are read by ranges, and never written.",
        examples=["[/data/beamline, s3://beamline/2026]"],
    )
    buckets: dict[str, ReadableBucketSettings] = Field(
        default={},
        description="How to reach buckets in `readable` that are not at `endpoint`, or have other "
        "credentials: settings by the name of the bucket, as `endpoint`, `region`, "
        "`access_key_id`, `secret_access_key_file` and `anonymous`.",
        examples=["{public-data: {region: eu-central-1, anonymous: true}}"],
    )
    adapters: list[str] = Field(
        default=[],
        description="Formats of external files besides the built-in ones: `MODULE:NAME` of a "
        "`tiledproject.plugins.Format` each, as docs/how-to/add-a-file-format.md shows.",
        examples=["[beamline.spe:FORMAT]"],
    )
    tiled_adapters: dict[str, str] = Field(
        default={},
        description="Adapter classes of Tiled that read external files, as in Tiled's "
        "`adapters_by_mimetype`: the media type, and `MODULE:CLASS`. Requires the package `tiled`.",
        examples=["{application/x-spe: beamline.spe:SPEAdapter}"],
    )
    readers: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Number of processes per server process that open external files. They can "
        "read the directories in `readable` only. A read waits while all of them are busy.",
        examples=["2"],
    )
    reader_memory: int = Field(
        default=2_000_000_000,
        ge=100_000_000,
        description="Maximum memory in bytes of each of these processes. A file that takes more is "
        "rejected with 422.",
        examples=["2000000000"],
    )
    reader_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Maximum time in seconds for one read of an external file. A read that takes "
        "longer is aborted and rejected with 422.",
        examples=["60"],
    )
    file_io_sync: bool = Field(
        default=False,
        description="Whether each write waits until the disk has the bytes (fsync). Survives a "
        "power failure; about ten times slower.",
        examples=["false"],
    )
    expose_raw_assets: bool = Field(
        default=True,
        description="Whether the files of a node can be listed and downloaded unchanged "
        "(`asset/*`).",
        examples=["true"],
    )
    response_bytesize_limit: int = Field(
        default=300_000_000,
        ge=1,
        description="Maximum number of bytes of data in one response; clients that need more "
        "request it in pieces.",
        examples=["300000000"],
    )

    @field_validator("adapters")
    @classmethod
    def _import_paths(cls, paths: list[str]) -> list[str]:
        for path in paths:
            if not IMPORT_PATH.fullmatch(path):
                raise ValueError(f"has {path!r}, which is not an import path; write module:NAME")
        return paths

    @field_validator("tiled_adapters")
    @classmethod
    def _adapter_paths(cls, adapters: dict[str, str]) -> dict[str, str]:
        for mimetype, path in adapters.items():
            if not IMPORT_PATH.fullmatch(path):
                raise ValueError(
                    f"has {path!r} for {mimetype}, which is not an import path; write module:CLASS"
                )
        return adapters

    @model_validator(mode="after")
    def _endpoint_is_used(self) -> StorageSettings:
        if self.endpoint is not None and self.uri is None and not self.reads_buckets:
            raise ValueError(
                "endpoint is set without a bucket; write s3://BUCKET/PREFIX as storage.uri, or in "
                "storage.readable"
            )
        return self

    @property
    def reads_buckets(self) -> bool:
        """Whether external files may be registered from a bucket."""
        return any(isinstance(place, ObjectPath) for place in self.readable)

    def location_of(self, path: ObjectPath) -> BucketLocation:
        """Return how to reach the bucket of an external file."""
        named = self.buckets.get(path.bucket)
        found = named or ReadableBucketSettings(
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            virtual_hosted_style=self.virtual_hosted_style,
            ca_file=self.ca_file,
            allow_http=self.allow_http,
        )
        return found.location(path, timeout=self.request_timeout, retry_timeout=self.retry_timeout)

    @property
    def format_paths(self) -> list[str]:
        """The site's formats as `external.load` takes them."""
        named = [f"{mimetype}={path}" for mimetype, path in self.tiled_adapters.items()]
        return [*self.adapters, *named]

    @field_validator("readable")
    @classmethod
    def _folders_exist(cls, folders: list[Path]) -> list[Path]:
        for folder in folders:
            if not isinstance(folder, ObjectPath) and not folder.is_dir():
                raise ValueError(
                    f"names {folder}, which is not a folder; create it or leave it out"
                )
        return folders


class SpecsSettings(BaseModel):
    """Declared specs and their validators."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    validators: dict[str, str | None] = Field(
        default={},
        description="Specs that this site declares, each with the function that validates nodes "
        "with it, as `package.module:function`, or nothing to accept all nodes. `composite` is "
        "built in.",
        examples=["{xas: facility.specs:check_xas}"],
    )
    reject_undeclared: bool = Field(
        default=False,
        description="Whether to reject nodes with a spec that is not among `validators`.",
        examples=["false"],
    )

    @field_validator("validators")
    @classmethod
    def _import_paths(cls, validators: dict[str, str | None]) -> dict[str, str | None]:
        for name, path in validators.items():
            if path is not None and IMPORT_PATH.fullmatch(path) is None:
                raise ValueError(
                    f"has {path!r} for {name}; write where its function is, as "
                    "package.module:function"
                )
        return validators


class ExportSettings(BaseModel):
    """Additional export formats, and the size of exports."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formats: list[str] = Field(
        default=[],
        description="Modules with additional export formats: import paths, each of a module with a "
        "function `register` that takes the registry of formats.",
        examples=["[facility.formats]"],
    )
    bytesize_limit: int = Field(
        default=10_000_000_000,
        ge=1,
        description="Maximum number of bytes of data in one export that is written in pieces: a "
        "container, or a table in a format other than Arrow and JSON. A file of about that size "
        "may be written to the directory for temporary files (`TMPDIR`).",
        examples=["10000000000"],
    )


def database_settings() -> DatabaseSettings:
    """Return this site's section `database`."""
    return settings.TILED.database


def storage_settings() -> StorageSettings:
    """Return this site's section `storage`."""
    return settings.TILED.storage


def reader_limits() -> Limits:
    """Return the limits of the processes that read external files."""
    storage = storage_settings()
    return Limits(storage.readers, storage.reader_memory, storage.reader_seconds)


def private_folders() -> list[Path]:
    """Return the paths of the server's own data, keys and code: never read as external files."""
    server, storage = settings.TILED.server, settings.TILED.storage
    database = settings.DATABASES["default"]
    files = []
    if database["ENGINE"].endswith("sqlite3"):
        files = [Path(f"{database['NAME']}{suffix}") for suffix in ("", "-wal", "-shm")]
    if config := os.environ.get("TILED_CONFIG"):
        files.append(Path(config))
    # Files with the values of settings, such as TILED_DATABASE_URI_FILE.
    files += [
        Path(named)
        for variable, named in os.environ.items()
        if variable.startswith("TILED_") and variable.endswith("_FILE") and named
    ]
    if settings.TILED.logs.audit_file is not None:
        files.append(settings.TILED.logs.audit_file)
    own = [] if storage.uri is None else [ObjectPath.parse(storage.uri)]
    return [server.data_dir, storage.directory, *settings.PRIVATE_CODE, *files, *own]


def specs_settings() -> SpecsSettings:
    """Return this site's section `specs`."""
    return settings.TILED.specs


def export_settings() -> ExportSettings:
    """Return this site's section `export`."""
    return settings.TILED.export
