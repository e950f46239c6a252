"""Credentials for S3 are taken from the files of AWS's tools, as these take them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from obstore.exceptions import UnauthenticatedError

from catalog.storage.errors import StorageUnavailable
from catalog.storage.objects.aws_profiles import find_profile
from catalog.storage.objects.client import ObjectStore
from catalog.storage.objects.location import BucketLocation
from tests.buckets import Service
from tests.servers import manage, own_database, running
from tiled_client import from_uri

Write = Callable[..., None]
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION")
OPTIONS = ("--port", "0", "--workers", "1", "--api-key", "secret")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the two files, which the environment names; it has no keys."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def write(credentials: str = "", config: str = "", **variables: str) -> None:
        (tmp_path / "credentials").write_text(credentials)
        (tmp_path / "config").write_text(config)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return write


def keys(access: str, secret: str) -> str:
    return f"aws_access_key_id = {access}\naws_secret_access_key={secret}\n"


def test_objects_are_put_with_the_keys_of_a_profile(buckets: Service, write: Write) -> None:
    good, bad = keys(buckets.key, buckets.secret), keys("nobody", "nothing")
    location = BucketLocation(buckets.location().uri, endpoint=buckets.endpoint, retry_timeout=2)
    write(f"[default]\n{bad}\n[beamline]\n{good}", AWS_PROFILE="beamline")
    ObjectStore(location).put("a", b"1")
    write(f"[default]\n{good}\n[beamline]\n{bad}", AWS_PROFILE="beamline")
    with pytest.raises(StorageUnavailable, match="credentials"):
        ObjectStore(location).put("a", b"1")
    write(f"[default]\n{good}", AWS_PROFILE="")
    ObjectStore(location).put("a", b"1")


def test_keys_of_the_environment_come_before_those_of_files(write: Write) -> None:
    write(f"[default]\n{keys('a', 'b')}", AWS_ACCESS_KEY_ID="c")
    assert find_profile() is None


def test_a_profile_without_keys_leaves_them_to_the_machine_unless_it_is_named(
    write: Write,
) -> None:
    write(config="[default]\nregion = eu-central-1\n")
    assert find_profile() is None
    write(config="[profile x]\nrole_arn = arn:aws:iam::1:role/x\ns3 =\n  a = 1\n", AWS_PROFILE="x")
    with pytest.raises(UnauthenticatedError, match="has role_arn, which this server does not"):
        find_profile()
    write(AWS_PROFILE="absent")
    with pytest.raises(UnauthenticatedError, match=r"absent in .*credentials or .*config has no"):
        find_profile()
    write("no section", AWS_PROFILE="x")
    with pytest.raises(UnauthenticatedError, match="credentials cannot be read"):
        find_profile()


def test_keys_that_are_replaced_in_the_file_are_read_again(write: Write) -> None:
    token = "aws_session_token = t1\n"
    config = "[profile x]\nregion = eu-north-1\n"
    write(f"[x]\n{keys('first', '%s')}{token}", config, AWS_PROFILE="x")
    profile = find_profile()
    assert profile is not None
    assert profile.region == "eu-north-1"
    found = profile()
    assert (found["access_key_id"], found["secret_access_key"]) == ("first", "%s")
    assert found["token"] == "t1"
    write(f"[x]\n{keys('second', 'b')}", config)
    assert profile()["access_key_id"] == "second"


def test_a_server_uses_a_profile_and_refuses_one_that_has_no_keys(
    buckets: Service, write: Write, tmp_path: Path
) -> None:
    write(f"[beamline]\n{keys(buckets.key, buckets.secret)}")
    storage = buckets.settings()
    settings = {name: storage[name] for name in ("TILED_STORAGE_URI", "TILED_STORAGE_ENDPOINT")}
    with own_database() as database:
        settings |= database
        with running(tmp_path, "serve", *OPTIONS, AWS_PROFILE="beamline", **settings) as server:
            root = from_uri(server.uri, api_key="secret")
            assert root.write_array(np.arange(5), key="x").read().tolist() == [0, 1, 2, 3, 4]
        refused = manage(tmp_path, "serve", *OPTIONS, AWS_PROFILE="beamlime", **settings)
    assert refused.returncode == 1
    assert "The profile beamlime in" in refused.stderr, refused.stderr
