"""The settings: where they come from, and the sentence about each way to get them wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiledproject import start_checks
from tiledproject.config.errors import ConfigError
from tiledproject.config.renamed_settings import RENAMED
from tiledproject.config.settings_model import load


def config_file(folder: Path, text: str) -> dict[str, str]:
    """An environment that names a configuration file of this text."""
    path = folder / "config.yml"
    path.write_text(text)
    return {"TILED_CONFIG": str(path)}


def test_the_seed_page_s_section_is_read_from_the_file(tmp_path: Path) -> None:
    text = "streaming_cache:\n  uri: redis://localhost:6379\n  data_ttl: 60\n  seq_ttl: 7200\n"
    cache = load(config_file(tmp_path, text)).streaming_cache
    assert (cache.uri, cache.data_ttl, cache.seq_ttl) == ("redis://localhost:6379", 60, 7200)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environment = config_file(tmp_path, "streaming_cache: {data_ttl: 60, seq_ttl: 7200}\n")
    cache = load({**environment, "TILED_STREAMING_CACHE_DATA_TTL": "90"}).streaming_cache
    assert (cache.data_ttl, cache.seq_ttl) == (90, 7200)


def test_an_empty_variable_is_ignored(tmp_path: Path) -> None:
    environment = config_file(tmp_path, "streaming_cache: {data_ttl: 60}\n")
    empty = {**environment, "TILED_STREAMING_CACHE_DATA_TTL": ""}
    assert load(empty).streaming_cache.data_ttl == 60


def test_variables_of_other_programs_are_left_alone() -> None:
    assert load({"TILED_API_KEY": "of-the-client", "TILED_RETRY_ATTEMPTS": "3"}) == load({})


@pytest.mark.parametrize("text", ["/data/a,/data/b", '["/data/a", "/data/b"]'])
def test_a_list_is_written_with_commas_or_as_json(text: str, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    settings = load({"TILED_STORAGE_READABLE": text.replace("/data", str(tmp_path))})
    assert settings.storage.readable == folders


def test_database_and_storage_are_in_the_data_folder_by_default(tmp_path: Path) -> None:
    settings = load({"TILED_SERVER_DATA_DIR": str(tmp_path)})
    assert settings.database.uri == f"sqlite:///{tmp_path}/catalog.db"
    assert settings.storage.directory == tmp_path / "storage"
    elsewhere = load(
        {"TILED_SERVER_DATA_DIR": str(tmp_path), "TILED_STORAGE_DIRECTORY": "/srv/data"}
    )
    assert elsewhere.storage.directory == Path("/srv/data")


def test_a_relative_path_is_relative_to_its_configuration_file(tmp_path: Path) -> None:
    text = "storage: {directory: arrays}\ndatabase: {uri: 'sqlite:///nodes.db'}\n"
    settings = load(config_file(tmp_path, text))
    assert settings.storage.directory == tmp_path / "arrays"
    assert settings.database.uri == f"sqlite:///{tmp_path}/nodes.db"


@pytest.mark.parametrize(
    "uri",
    [
        "redis://localhost:6379",
        "redis://:password@redis.example.org:6380/3",
        "rediss://user:password@redis.example.org:6380?ssl_cert_reqs=none",
        "unix:///run/valkey.sock",
    ],
)
def test_every_way_to_reach_a_redis_can_be_written(uri: str) -> None:
    assert load({"TILED_STREAMING_CACHE_URI": uri}).streaming_cache.uri == uri


WRONG = [
    (
        "streaming_cash: {uri: redis://localhost}",
        "There is no setting streaming_cash (in FILE); did you mean streaming_cache?",
    ),
    (
        "streaming_cache: {url: redis://localhost}",
        "There is no setting streaming_cache.url (in FILE); did you mean streaming_cache.uri?",
    ),
    (
        "streaming_cache: {data_ttl: an hour}",
        "streaming_cache.data_ttl (in FILE) is 'an hour', and should be a valid integer, unable to "
        "parse string as an integer; write for example 3600.",
    ),
    (
        "server: {port: 80000}",
        "server.port (in FILE) is 80000, and should be less than or equal to 65535; write for "
        "example 8000.",
    ),
    (
        "database: {uri: 'mysql://root:hunter2@localhost/tiled'}",
        "database.uri (in FILE) is not the address of a database this server can use; write "
        "sqlite:////absolute/path/catalog.db or postgresql://user:password@host/name.",
    ),
    (
        "authentication: {single_user_api_key: hunter-2}",
        "authentication.single_user_api_key (in FILE) has other characters than letters, digits "
        "and underscores; choose a key without them, or leave it out to get a random one.",
    ),
    (
        "storage: {readable: [/no/such/folder]}",
        "storage.readable (in FILE) names /no/such/folder, which is not a folder; create it or "
        "leave it out.",
    ),
    (
        "streaming_cache: redis://localhost",
        "streaming_cache in FILE is 'redis://localhost'; write its settings below it, indented, "
        "each as `name: value`.",
    ),
    (
        "- streaming_cache",
        "The configuration file FILE contains a list; write sections, such as `streaming_cache:` "
        "with `uri: redis://localhost:6379` below it.",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_an_invalid_setting_is_reported_in_one_sentence(
    text: str, sentence: str, tmp_path: Path
) -> None:
    environment = config_file(tmp_path, text)
    with pytest.raises(ConfigError) as refusal:
        load(environment)
    assert str(refusal.value) == sentence.replace("FILE", environment["TILED_CONFIG"])


def test_a_storage_of_the_environment_wins_over_one_of_the_other_kind_in_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "site.yml"
    file.write_text("storage: {uri: 's3://data/x', endpoint: 'https://example.org'}\n")
    found = load({"TILED_CONFIG": str(file), "TILED_STORAGE_DIRECTORY": "/data"}).storage
    assert (found.uri, found.endpoint, found.directory) == (None, None, Path("/data"))
    read = {"TILED_STORAGE_READABLE": "s3://data/y"}
    found = load({"TILED_CONFIG": str(file), "TILED_STORAGE_DIRECTORY": "/data", **read}).storage
    assert (found.uri, found.endpoint) == (None, "https://example.org")
    file.write_text("storage: {directory: /data}\n")
    assert load({"TILED_CONFIG": str(file), "TILED_STORAGE_URI": "s3://b"}).storage.uri == "s3://b"


@pytest.mark.parametrize(
    ("environment", "beginning"),
    [
        ({"TILED_STREAMING_CACHE_URI": "localhost:6379"}, "streaming_cache.uri (from TILED_STREAM"),
        (
            {"TILED_STREAMING_CACHE_SEQ_TTL": "60"},
            "streaming_cache.seq_ttl is 60, so that numbering would begin again while updates",
        ),
        (
            {"TILED_STORAGE_URI": "s3://data", "TILED_STORAGE_DIRECTORY": "/data"},
            "storage.uri (from TILED_STORAGE_URI) and storage.directory (from TILED_STORAGE",
        ),
        (
            {"TILED_STORAGE_URI": "s3://data", "TILED_STORAGE_ENDPOINT": "http://example.org"},
            "storage.endpoint is http://example.org, to which data are sent unencrypted; write",
        ),
        ({"TILED_SERVER_PROT": "80"}, "There is no setting server.prot (in the environment, TILED"),
        ({"TILED_CONFIG": "/no/such.yml"}, "The configuration file /no/such.yml cannot be read"),
    ],
)
def test_an_invalid_variable_is_reported_in_one_sentence(
    environment: dict[str, str], beginning: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(environment)
    assert str(refusal.value).startswith(beginning)
    assert "\n" not in str(refusal.value)


def test_malformed_yaml_is_reported_with_its_position(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not YAML: .*line 1"):
        load(config_file(tmp_path, "server: {port: 8000"))


def test_no_sentence_repeats_a_password(tmp_path: Path) -> None:
    wrong = [
        "database: {uri: 'mysql://root:hunter2@localhost/tiled'}",
        "streaming_cache: {uri: 'amqp://root:hunter2@localhost'}",
        "authentication: {single_user_api_key: hunter2-}",
        "server: {secret_key: hunter2}",
    ]
    for text in wrong:
        with pytest.raises(ConfigError) as refusal:
            load(config_file(tmp_path, text))
        assert "hunter2" not in str(refusal.value)


def test_an_old_name_of_a_renamed_setting_is_accepted_from_a_file(tmp_path: Path) -> None:
    text = f"server: {{data_folder: {tmp_path}, largest_body: 2000000}}\n"
    settings = load(config_file(tmp_path, text))
    assert (settings.server.data_dir, settings.server.max_body_bytes) == (tmp_path, 2000000)
    assert [sentence.partition(" (")[0] for sentence in settings.deprecated_names] == [
        "server.data_folder",
        "server.largest_body",
    ]
    assert "write server.max_body_bytes instead" in settings.deprecated_names[1]


@pytest.mark.parametrize(
    ("old", "new"), [(f"{section}.{old}", new) for (section, old), new in RENAMED.items()]
)
def test_an_old_name_of_a_renamed_setting_is_accepted_from_the_environment(
    old: str, new: str
) -> None:
    section, _, field = old.partition(".")
    is_path = field == "data_folder"
    text = "/srv" if is_path else "true" if field == "file_locations" else "123456789"
    variable = f"TILED_{section.upper()}_{field.upper()}"
    settings = load({variable: text})
    value = getattr(getattr(settings, section), new)
    assert value in (Path("/srv"), True, 123456789)
    assert settings.deprecated_names == (
        f"{old} (from {variable}) is deprecated; write {section}.{new} instead.",
    )


def test_the_new_name_wins_over_the_old_one_in_the_environment() -> None:
    both = {"TILED_SERVER_DATA_DIR": "/new", "TILED_SERVER_DATA_FOLDER": "/old"}
    for environment in (both, dict(reversed(both.items()))):
        assert load(environment).server.data_dir == Path("/new")


def test_a_file_with_both_names_of_a_setting_is_refused(tmp_path: Path) -> None:
    text = "server: {data_folder: /old, data_dir: /new}\n"
    with pytest.raises(ConfigError, match=r"server\.data_dir \(in .*\) is written twice"):
        load(config_file(tmp_path, text))


def test_old_names_are_logged_once_at_the_start(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_checks, "problems", lambda _: [])
    monkeypatch.setattr(start_checks, "CONNECTION_CHECKS", [])
    site = load({"TILED_SERVER_LARGEST_BODY": "2000000", "TILED_SERVER_DATA_FOLDER": "/srv"})
    start_checks.refuse_to_start(site, "127.0.0.1")
    (record,) = caplog.records
    assert "server.max_body_bytes" in record.getMessage()
    assert "server.data_dir" in record.getMessage()
