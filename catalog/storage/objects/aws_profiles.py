"""Credentials in the files of AWS's command-line tools, which obstore does not read.

| file | default | sections |
| --- | --- | --- |
| `AWS_SHARED_CREDENTIALS_FILE` | `~/.aws/credentials` | `[NAME]` |
| `AWS_CONFIG_FILE` | `~/.aws/config` | `[profile NAME]`, `[default]` |

The profile is that of `AWS_PROFILE`, or `default`. Keys in the environment come first, and the role
of a container or machine last, as in these tools. Profiles that name a role, a command or a single
sign-on have no keys to read, and are rejected.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from obstore.exceptions import UnauthenticatedError

# obstore asks again five minutes before the end: files are read every ten minutes.
LIFETIME = timedelta(minutes=15)
ELSEWHERE = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")
UNSUPPORTED = ("role_arn", "credential_process", "sso_session", "sso_start_url")


@dataclass(frozen=True, slots=True)
class AwsProfile:
    """A profile that has keys in these files; later files complete earlier ones."""

    name: str
    files: tuple[Path, ...]

    @property
    def region(self) -> str | None:
        """The region, if the files name one."""
        return self._values().get("region")

    def __call__(self) -> dict[str, Any]:
        """Return the keys as obstore wants them. Raises UnauthenticatedError."""
        values = self._values()
        missing = [
            name for name in ("aws_access_key_id", "aws_secret_access_key") if not values.get(name)
        ]
        if missing:
            raise UnauthenticatedError(_sentence(self.name, self.files, missing[0], values))
        return {
            "access_key_id": values["aws_access_key_id"],
            "secret_access_key": values["aws_secret_access_key"],
            "token": values.get("aws_session_token") or None,
            "expires_at": datetime.now(UTC) + LIFETIME,
        }

    def _values(self) -> Mapping[str, str]:
        values: dict[str, str] = {}
        for path in reversed(self.files):
            for section in (f"profile {self.name}", self.name):
                values |= _read(path).get(section, {})
        return values


def find_profile() -> AwsProfile | None:
    """Return the profile with keys for S3; None if the environment has keys, or no file has.

    Raises UnauthenticatedError if AWS_PROFILE names a profile without keys.
    """
    if any(os.environ.get(name) for name in ELSEWHERE):
        return None
    name = os.environ.get("AWS_PROFILE", "")
    profile = AwsProfile(name or "default", _files())
    if not name and not any(_read(path).keys() & {"default"} for path in profile.files):
        return None
    try:
        profile()
    except UnauthenticatedError:
        if name:
            raise
        return None  # a default profile may have a region only, and the machine a role
    return profile


def _files() -> tuple[Path, ...]:
    named = (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
    home = Path("~/.aws")
    return tuple(
        Path(os.environ.get(variable) or home / name).expanduser() for variable, name in named
    )


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Return the sections of a file; none of one that does not exist."""
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        problem = " ".join(str(error).split())
        raise UnauthenticatedError(f"The file {path} cannot be read: {problem}") from error
    return {name: dict(parser[name]) for name in parser.sections()}


def _sentence(name: str, files: tuple[Path, ...], missing: str, values: Mapping[str, str]) -> str:
    places = " or ".join(map(str, files))
    for option in UNSUPPORTED:
        if option in values:
            return (
                f"The profile {name} in {places} has {option}, which this server does not follow; "
                "write a profile with aws_access_key_id and aws_secret_access_key, or give the "
                "role to the machine."
            )
    return (
        f"The profile {name} in {places} has no {missing}; write it there, or name another "
        "profile in AWS_PROFILE."
    )
