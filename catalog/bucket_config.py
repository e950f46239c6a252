"""Settings of the section `storage` about a bucket for uploaded data."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .storage.objects.location import BucketLocation, check_uri


class BucketSettings(BaseModel):
    """The bucket for uploaded data, and how to reach it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str | None = Field(
        default=None,
        description="Bucket for uploaded data, instead of a directory: `s3://BUCKET/PREFIX`, "
        "`gs://…` or `az://…`. All servers of a site use the same bucket and prefix, and no other "
        "site does.",
        examples=["s3://beamline/tiled"],
    )
    endpoint: str | None = Field(
        default=None,
        description="Address of the service that has the buckets of `uri` and `readable`. Default: "
        "that of AWS, Google or Azure.",
        examples=["https://s3.example.org"],
    )
    region: str | None = Field(
        default=None,
        description="Region of the bucket of `uri`. Default: `AWS_REGION`; `us-east-1` with an "
        "`endpoint`.",
        examples=["eu-central-1"],
    )
    access_key_id: str | None = Field(
        default=None,
        description="Access key of the bucket; for Azure, the storage account. Default: from the "
        "environment (`AWS_*`, `GOOGLE_*`, `AZURE_*`), the profile `AWS_PROFILE` in `~/.aws`, or "
        "the role of the machine.",
        examples=["AKIAIOSFODNN7EXAMPLE"],
    )
    secret_access_key: str | None = Field(
        default=None,
        description="Secret of `access_key_id`. Keep it in a file: "
        "`TILED_STORAGE_SECRET_ACCESS_KEY_FILE`.",
        examples=["secret"],
    )
    virtual_hosted_style: bool = Field(
        default=False,
        description="Whether the bucket is part of the host name (`bucket.s3.example.org`) rather "
        "than of the path.",
        examples=["false"],
    )
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of certificate authorities that `endpoint` is trusted by, besides "
        "the known ones.",
        examples=["/etc/ssl/certs/site.pem"],
    )
    allow_http: bool = Field(
        default=False,
        description="Whether `endpoint` may be `http://` on another machine: data and requests "
        "are then readable on the network.",
        examples=["false"],
    )
    request_timeout: float = Field(
        default=30.0,
        gt=0,
        description="Maximum time in seconds for one request to the bucket, body included.",
        examples=["30"],
    )
    retry_timeout: float = Field(
        default=15.0,
        ge=0,
        description="Time in seconds within which a failed request to the bucket is repeated, at "
        "most three times; clients then receive 503.",
        examples=["15"],
    )

    presigned_downloads: int | None = Field(
        default=None,
        ge=0,
        description="Size in bytes from which a file is downloaded (`asset/bytes`) from the bucket "
        "itself, if it is one object: by a redirect to a URL that is valid for five minutes. "
        "Clients must reach `endpoint`. Default: the server sends all files.",
        examples=["100000000"],
    )

    @field_validator("uri")
    @classmethod
    def _bucket(cls, uri: str | None) -> str | None:
        return uri if uri is None else check_uri(uri)

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, file: Path | None) -> Path | None:
        if file is not None and not file.is_file():
            raise ValueError(f"names {file}, which is not a file; write the path of a PEM file")
        return file

    @model_validator(mode="after")
    def _endpoint_fits(self) -> BucketSettings:
        check_endpoint(self.endpoint, allow_http=self.allow_http)
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError(
                "access_key_id and storage.secret_access_key belong together; write both, "
                "or neither to use the environment"
            )
        if (
            self.uri is not None
            and self.uri.startswith("gs://")
            and (self.endpoint or self.access_key_id)
        ):
            raise ValueError(
                f"uri is {self.uri}, for which endpoint and access_key_id have no effect: remove "
                "them, and write the path of a service account's key as "
                "GOOGLE_SERVICE_ACCOUNT, or give the role to the machine"
            )
        return self

    @property
    def changes_files(self) -> bool:
        """Whether writes change files in place; an object is only ever replaced by another."""
        return self.uri is None

    @property
    def bucket(self) -> BucketLocation | None:
        """The bucket for uploaded data, or None if a directory has them."""
        if self.uri is None:
            return None
        return BucketLocation(
            self.uri,
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            virtual_hosted_style=self.virtual_hosted_style,
            ca_file=self.ca_file,
            timeout=self.request_timeout,
            retry_timeout=self.retry_timeout,
        )


def check_endpoint(endpoint: str | None, *, allow_http: bool) -> None:
    """Raise ValueError for an invalid address, or one to which data are sent unencrypted."""
    if endpoint is None:
        return
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(
            "endpoint is not the address of a service; write for example https://s3.example.org"
        )
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        raise ValueError(
            f"endpoint is {endpoint}, to which data are sent unencrypted; write https://, or set "
            "storage.allow_http"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
