"""The page about files in a bucket, run with a SeaweedFS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.buckets import Service
from tests.catalog.bucket_folder import make_folder
from tests.docs.test_pages import DOCS, Reader, read_page
from tests.servers import own_database, running


def test_the_page_prints_what_it_says(
    buckets: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(buckets)
    settings = {
        "AWS_ACCESS_KEY_ID": buckets.key,
        "AWS_SECRET_ACCESS_KEY": buckets.secret,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    settings["TILED_STORAGE_ENDPOINT"] = buckets.endpoint
    options = ("serve", "--port", "0", "--api-key", "secret", "--read", str(folder.path))
    with (
        own_database() as database,
        running(tmp_path / "site", *options, **settings, **database) as site,
    ):
        words = {
            "http://localhost:8000": site.uri,
            "https://s3.example.org": buckets.endpoint,
            "s3://beamline/2026": str(folder.path),
        }
        text = (DOCS / "how-to" / "register-from-a-bucket.md").read_text()
        read_page(Reader(words, ""), text)
