"""Where a bucket is, and how to reach it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

# gs:// and az:// as obstore takes them; an Azure URI names the container of the account.
URI = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]*)((?:/[A-Za-z0-9._=-]+)*)/?")
CONNECT_SECONDS = 5
FIRST_PAUSE = timedelta(seconds=0.1)
LONGEST_PAUSE = timedelta(seconds=2)


@dataclass(frozen=True)
class BucketLocation:
    """A prefix of a bucket, how to reach it, and how long to try.

    Credentials that are None are taken from the environment, as the command-line tools of the
    provider take them (`AWS_*`, `GOOGLE_*`, `AZURE_*`), for S3 from the files of AWS's tools, or
    from the metadata of the machine; with `anonymous`, requests have none.
    `timeout` is in seconds for one request; after `retry_timeout` seconds, or `retries` failures
    more, the last failure is reported.
    """

    uri: str
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    virtual_hosted_style: bool = False
    ca_file: Path | None = None
    anonymous: bool = False
    timeout: float = 30.0
    retries: int = 3
    retry_timeout: float = 15.0

    def __repr__(self) -> str:
        """Return the address only: no secrets in logs."""
        return f"BucketLocation({self.uri!r})"

    @property
    def scheme(self) -> str:
        """Return `s3`, `gs` or `az`."""
        return _parse(self.uri)[0]

    @property
    def bucket(self) -> str:
        """Return the name of the bucket."""
        return _parse(self.uri)[1]

    @property
    def prefix(self) -> str:
        """Return the prefix of all names, without slashes at its ends; empty for none."""
        return _parse(self.uri)[2]

    def connect(self, prefix: str) -> Any:
        """Return a store of obstore for all names below `prefix`. Sends no request."""
        return self._kind()(
            self.bucket,
            prefix=prefix or None,
            client_options=self._client_options(),
            retry_config={
                "max_retries": self.retries,
                "retry_timeout": timedelta(seconds=self.retry_timeout),
                "backoff": {"init_backoff": FIRST_PAUSE, "max_backoff": LONGEST_PAUSE},
            },
            **self._options(),
        )

    def _kind(self) -> Any:
        # At first use: most sites have no bucket.
        from obstore import store as stores

        kinds = {"s3": stores.S3Store, "gs": stores.GCSStore, "az": stores.AzureStore}
        return kinds[self.scheme]

    def _options(self) -> dict[str, Any]:
        """Return the options of the provider that are set."""
        if self.scheme == "gs":
            # Google's own endpoints only: its library knows no other.
            return {"skip_signature": True} if self.anonymous else {}
        if self.scheme == "az":
            known: dict[str, Any] = {
                "account_name": self.access_key_id,
                "account_key": self.secret_access_key,
                "endpoint": self.endpoint,
            }
        else:
            known = {
                "endpoint": self.endpoint,
                "region": self.region or ("us-east-1" if self.endpoint else None),
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key,
                "session_token": self.session_token,
                "virtual_hosted_style_request": self.virtual_hosted_style or None,
            }
        found = {name: value for name, value in known.items() if value is not None}
        if self.anonymous:
            return {**found, "skip_signature": True}
        if self.scheme == "s3" and self.access_key_id is None:
            return found | self._profile()
        return found

    def _profile(self) -> dict[str, Any]:
        """Return the options of a profile in the files of AWS's tools, if it has keys."""
        from .aws_profiles import find_profile

        profile = find_profile()
        if profile is None:
            return {}
        options: dict[str, Any] = {"credential_provider": profile}
        known = (self.region, os.environ.get("AWS_REGION"), os.environ.get("AWS_DEFAULT_REGION"))
        if not any(known) and profile.region:
            options["region"] = profile.region
        return options

    def _client_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "connect_timeout": timedelta(seconds=min(CONNECT_SECONDS, self.timeout)),
            "timeout": timedelta(seconds=self.timeout),
            "allow_http": bool(self.endpoint and self.endpoint.startswith("http://")),
        }
        if self.ca_file is not None:
            options["root_certificate"] = self.ca_file.read_bytes()
        return options


@dataclass(frozen=True)
class FolderLocation:
    """A local folder, whose files are the objects."""

    folder: Path
    scheme = "file"
    prefix = ""

    @property
    def uri(self) -> str:
        """Return the URI of the folder."""
        return f"file://{self.folder}"

    @property
    def bucket(self) -> str:
        """Return the path of the folder."""
        return str(self.folder)

    def connect(self, prefix: str) -> Any:
        """Return a store of obstore for all names below `prefix`."""
        from obstore import store as stores

        return stores.LocalStore(self.folder / prefix)


def check_uri(uri: str) -> str:
    """Return the URI of a bucket. Raises ValueError with the remedy."""
    if URI.fullmatch(uri) is None or {".", ".."} & set(uri.split("/")):
        raise ValueError(
            "is not the address of a bucket; write s3://bucket/prefix (or gs://, az://), with the "
            "letters, digits and ._-= of a name only"
        )
    return uri.rstrip("/")


def _parse(uri: str) -> tuple[str, str, str]:
    found = URI.fullmatch(uri)
    if found is None:
        raise ValueError(f"{uri!r} is not the address of a bucket.")
    return found[1], found[2], found[3].strip("/")
