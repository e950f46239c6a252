"""Places from which external files are read: directories, and prefixes of buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    model_validator,
)

from .bucket_config import check_endpoint
from .storage.bucket_files.paths import ObjectPath, is_object_uri
from .storage.errors import Unsupported
from .storage.objects.location import BucketLocation


def _place(value: Any) -> Any:
    if isinstance(value, str) and is_object_uri(value):
        try:
            return ObjectPath.parse(value)
        except Unsupported as error:
            raise ValueError(
                f"is wrong: {error} To read a bucket, write s3://BUCKET/PREFIX"
            ) from None
    return Path(value) if isinstance(value, str) else value


ReadablePlace = Annotated[InstanceOf[Path], BeforeValidator(_place), PlainSerializer(str)]
"""A directory, or an `ObjectPath`."""


class ReadableBucketSettings(BaseModel):
    """How to reach a bucket from which external files are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = Field(default=None, repr=False)
    secret_access_key_file: Path | None = None
    anonymous: bool = False
    virtual_hosted_style: bool = False
    ca_file: Path | None = None
    allow_http: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> ReadableBucketSettings:
        check_endpoint(self.endpoint, allow_http=self.allow_http)
        secrets = (self.secret_access_key, self.secret_access_key_file)
        if secrets.count(None) == 0:
            raise ValueError("has secret_access_key and secret_access_key_file; write one of them")
        if (self.access_key_id is None) != (secrets.count(None) == 2):
            raise ValueError(
                "has one of access_key_id and secret_access_key only; write both, or neither to "
                "use the environment"
            )
        if self.anonymous and self.access_key_id is not None:
            raise ValueError("is anonymous with an access_key_id; leave one of them out")
        for file in (self.secret_access_key_file, self.ca_file):
            if file is not None and not file.is_file():
                raise ValueError(f"names {file}, which is not a file; write its absolute path")
        return self

    def location(self, path: ObjectPath, *, timeout: float, retry_timeout: float) -> BucketLocation:
        """Return how to reach the bucket of a path."""
        secret = self.secret_access_key
        if self.secret_access_key_file is not None:
            secret = self.secret_access_key_file.read_text().strip()
        return BucketLocation(
            f"{path.scheme}://{path.bucket}",
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=secret,
            virtual_hosted_style=self.virtual_hosted_style,
            ca_file=self.ca_file,
            anonymous=self.anonymous,
            timeout=timeout,
            retry_timeout=retry_timeout,
        )
