"""`check-config` and `show-config`, and settings in secret files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.servers import manage
from tiledproject.config.errors import ConfigError
from tiledproject.config.settings_model import load, read
from tiledproject.config_commands.check_config import findings
from tiledproject.config_commands.reachability import Level
from tiledproject.config_commands.show_config import lines


def config_file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "tiled.yml"
    path.write_text(text)
    return {"TILED_CONFIG": str(path)}


def errors(environment: dict[str, str], *, connect: bool = False) -> list[str]:
    found = findings(environment, connect=connect)
    return [result.text for result in found if result.level is Level.error]


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    environment = config_file(
        tmp_path,
        "server: {prot: 80, workers: none}\ndatabse: {uri: x}\nstreaming_cache: {data_ttl: soon}\n",
    )
    found = errors({**environment, "TILED_STORAGE_READABEL": "/data"})
    assert len(found) == 5
    for part in (
        "did you mean server.port?",
        "did you mean database?",
        "did you mean storage.readable?",
        "server.workers (in ",
        "streaming_cache.data_ttl (in ",
    ):
        assert any(part in sentence for sentence in found), part


def test_unreachable_backends_are_reported(tmp_path: Path) -> None:
    environment = config_file(
        tmp_path,
        f"server: {{data_dir: {tmp_path}/new/data}}\n"
        "database: {uri: 'postgresql://tiled:hunter2@127.0.0.1:1/tiled'}\n"
        "streaming_cache: {uri: 'redis://:hunter2@127.0.0.1:1'}\n"
        "storage: {uri: 's3://data/site', endpoint: 'http://127.0.0.1:1', access_key_id: us,"
        " secret_access_key: hunter2}\n",
    )
    found = list(findings(environment, connect=True))
    by_level = {level: [one.text for one in found if one.level is level] for level in Level}
    assert any("rejects connections" in text for text in by_level[Level.error])
    assert any("storage.uri names s3://data/site" in text for text in by_level[Level.error])
    assert any("No response from streaming_cache.uri" in text for text in by_level[Level.warning])
    assert any("can be created in" in text for text in by_level[Level.ok])
    assert not any("hunter2" in one.text for one in found)
    assert not (tmp_path / "new").exists(), "nothing is created"


def test_a_directory_that_cannot_be_one_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {"TILED_SERVER_DATA_DIR": str(tmp_path / "file" / "data")}
    assert any(
        "server.data_dir needs the directory" in one for one in errors(environment, connect=True)
    )


def test_the_command_ends_with_a_status_and_creates_nothing(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("server: {prot: 80}\n")
    refused = manage(tmp_path / "data", "check-config", str(wrong))
    assert refused.returncode == 1
    assert "did you mean server.port?" in refused.stdout
    assert refused.stdout.endswith("1 error, 0 warnings.\n")
    assert not (tmp_path / "data").exists()


def test_effective_settings_are_shown_with_their_origin_and_without_secrets(tmp_path: Path) -> None:
    environment = config_file(
        tmp_path,
        "database: {uri: 'postgresql://tiled:hunter2@db/tiled'}\n"
        "authentication:\n"
        "  providers:\n"
        "    - {provider: orcid, kind: oidc, issuer: 'https://orcid.org', client_id: us,"
        " client_secret: hunter2}\n"
        "  secret_keys: [hunter2hunter2hunter2hunter2hunter2]\n"
        "storage: {uri: 's3://data/site', access_key_id: us, secret_access_key: hunter2}\n",
    )
    reading = read({**environment, "TILED_SERVER_WORKERS": "3"})
    assert reading.settings is not None, reading.problems
    text = "\n".join(lines(reading.settings, reading.origins))
    assert "hunter2" not in text
    assert "postgresql://tiled:***@db/tiled" in text
    shown = {line.split("#")[0].strip(): line.partition("# ")[2] for line in text.splitlines()}
    assert shown["workers: 3"] == "from TILED_SERVER_WORKERS"
    assert shown["port: 8000"] == "default"
    # It is YAML, in which all other settings can be used as they are.
    assert yaml.safe_load(text)["server"]["workers"] == 3


def test_a_setting_is_read_from_the_file_that_a_variable_names(tmp_path: Path) -> None:
    secret = tmp_path / "uri"
    secret.write_text("redis://:hunter2@localhost:6379\n")
    environment = config_file(tmp_path, "streaming_cache: {uri: 'redis://elsewhere:6379'}\n")
    found = load({**environment, "TILED_STREAMING_CACHE_URI_FILE": str(secret)})
    assert found.streaming_cache.uri == "redis://:hunter2@localhost:6379"


@pytest.mark.parametrize(
    ("content", "more", "sentence"),
    [
        (None, {}, "of TILED_SERVER_WORKERS_FILE cannot be read (No such file or directory)"),
        (b"", {}, "is not a text; write the value of server.workers to it."),
        (b"\xff\xfe", {}, "is not a text"),
        (b"hunter2", {}, "server.workers (from the file "),
        (b"3", {"TILED_SERVER_WORKERS": "2"}, "server.workers is set twice, from TILED_SERVER_WOR"),
        (b"3", {"TILED_SERVER_NOTHING_FILE": "x"}, "There is no setting server.nothing_file (in"),
    ],
)
def test_a_wrong_secret_file_is_reported_without_its_content(
    tmp_path: Path, content: bytes | None, more: dict[str, str], sentence: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(ConfigError) as refusal:
        load({"TILED_SERVER_WORKERS_FILE": str(secret), **more})
    assert sentence in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_setting_whose_name_ends_with_file_is_no_secret_file() -> None:
    assert load({"TILED_LOGS_AUDIT_FILE": "/var/log/audit"}).logs.audit_file == Path(
        "/var/log/audit"
    )
