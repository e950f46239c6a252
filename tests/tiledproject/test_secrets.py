"""Secrets that are made once and kept."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tiledproject.config.directories import create_directories
from tiledproject.config.secrets import load_or_create_secret, with_secrets
from tiledproject.config.settings_model import load


def test_secrets_are_generated_once_and_readable_by_this_user_only(tmp_path: Path) -> None:
    settings = load({"TILED_SERVER_DATA_DIR": str(tmp_path / "data")})
    create_directories(settings)
    first, second = with_secrets(settings), with_secrets(settings)
    assert first == second
    assert first.authentication.single_user_api_key != first.server.secret_key
    for name in ("api_key", "secret_key"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_key_that_was_given_is_not_written_down(tmp_path: Path) -> None:
    settings = load({"TILED_SERVER_DATA_DIR": str(tmp_path), "TILED_SINGLE_USER_API_KEY": "given"})
    assert with_secrets(settings).authentication.single_user_api_key == "given"
    assert not (tmp_path / "api_key").exists()


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_or_create_secret(tmp_path / "api_key", 32), range(64)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["api_key"]
