"""The site that the tests run in: a fresh folder, and a Valkey and a database of its own.

TEST_REDIS_URI and TEST_DATABASE_URI name a real Redis and a real PostgreSQL to use instead;
TEST_STORAGE_URI names a bucket for the data (`tests.buckets`).
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from streaming.redis.embedded_valkey import EmbeddedValkey
from tests.buckets import shared_settings

SHARED_REDIS = os.environ.get("TEST_REDIS_URI", "")
# Other keys in a shared Redis stay untouched.
PREFIX = f"test-{secrets.token_hex(6)}"
FOLDER = Path(tempfile.mkdtemp(prefix="tiled-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def _cache() -> str:
    if SHARED_REDIS:
        return SHARED_REDIS
    valkey = EmbeddedValkey(memory=512_000_000)
    atexit.register(valkey.stop)
    return valkey.start()


for _name in [name for name in os.environ if name.startswith("TILED_")]:
    del os.environ[_name]
os.environ.update(
    TILED_SERVER_DATA_DIR=str(FOLDER),
    TILED_DATABASE_URI=os.environ.get("TEST_DATABASE_URI", ""),
    TILED_SINGLE_USER_API_KEY="secret",
    TILED_STREAMING_CACHE_URI=_cache(),
    TILED_STREAMING_CACHE_PREFIX=PREFIX,
    **shared_settings(PREFIX),
)

from tiledproject.settings import *  # noqa: E402, F403
from tiledproject.settings import DATABASES, INSTALLED_APPS  # noqa: E402

# First, for its command `flush`.
INSTALLED_APPS = ["tests", *INSTALLED_APPS]
# The hasher of real sites takes half a second for each password.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A file, as in production: a database in memory locks differently.
    DATABASES["default"]["TEST"] = {"NAME": str(FOLDER / "test.db")}
else:
    # Several runs may use one PostgreSQL at the same time.
    DATABASES["default"]["TEST"] = {"NAME": f"test_tiled_{secrets.token_hex(6)}"}
