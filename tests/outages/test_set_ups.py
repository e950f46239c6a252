"""Set-ups in which servers would lose data or updates are refused at the start, in one sentence."""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from django.conf import LazySettings

from catalog.models import Node, StorageMark
from catalog.services.site_marker import ForeignStorage, adopt_storage, check_storage
from catalog.services.stores.folder.mark import FILE
from streaming.redis.embedded_valkey import find_binary
from tests.buckets import in_folder
from tests.servers import manage
from tests.settings import SHARED_REDIS
from tiledproject.config.errors import ConfigError
from tiledproject.config.settings_model import load
from tiledproject.servers import valkey_address
from tiledproject.servers.preflight import check_backends
from tools.backends.pgbouncer import PROGRAM, own_pgbouncer
from tools.backends.ports import free_port
from tools.backends.postgresql_cluster import Cluster

Use = Callable[[str], Path]


@pytest.fixture
def use(transactional_db: None, settings: LazySettings, tmp_path: Path) -> Use:
    """Have the site use the storage directory of this name, which is made."""

    def choose(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        storage = settings.TILED.storage.model_copy(update={"directory": folder})
        settings.TILED = settings.TILED.model_copy(update={"storage": storage})
        return folder

    return choose


@in_folder
def test_a_storage_folder_of_its_own_is_refused_to_a_second_server(use: Use) -> None:
    shared = use("shared")
    check_storage()
    check_storage()
    other = use("other")
    with pytest.raises(ForeignStorage, match=r"it has no mark .*other/\.site.*adopt_storage"):
        check_storage()
    assert list(other.iterdir()) == []
    shutil.copy(shared / FILE, other)  # as a copy that is restored brings it along
    check_storage()


@in_folder
def test_a_storage_folder_is_refused_to_a_database_that_knows_nothing_of_it(use: Use) -> None:
    use("shared")
    check_storage()
    StorageMark.objects.all().delete()
    with pytest.raises(ForeignStorage, match="the database has none"):
        check_storage()
    adopt_storage()
    check_storage()


@in_folder
def test_a_storage_folder_without_a_mark_is_refused_to_a_database_without_its_nodes(
    use: Use,
) -> None:
    shared = use("shared")
    nodes = [uuid.uuid4(), uuid.uuid4()]
    for node in nodes:
        (shared / node.hex[:2] / node.hex).mkdir(parents=True)
    with pytest.raises(ForeignStorage, match=r"knows none of them.*adopt_storage"):
        check_storage()
    assert not (shared / FILE).exists()
    Node.objects.create(uuid=nodes[1], key="x", path="x", structure_family="container")
    check_storage()
    assert (shared / FILE).exists()


@in_folder
def test_what_was_restored_apart_can_be_made_to_belong_together(use: Use) -> None:
    for name in ("one", "another"):
        use(name)
        adopt_storage()
        check_storage()
    use("one")
    check_storage()
    (use("third") / FILE).write_text("no mark at all")
    with pytest.raises(ForeignStorage, match="has no mark"):
        check_storage()
    adopt_storage()
    check_storage()


@pytest.mark.skipif(bool(SHARED_REDIS), reason="the servers share a Redis")
def test_a_second_private_valkey_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with valkey_address.exclusive_lock(tmp_path):
        refused = manage(tmp_path, "serve", "--port", "0")
        assert refused.returncode == 1
        assert refused.stderr.startswith("Another server runs on the data directory")
        assert "streaming_cache.uri" in refused.stderr
        assert "Traceback" not in refused.stderr
    with valkey_address.exclusive_lock(tmp_path):
        pass


@pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")
def test_a_pooler_without_transactions_is_refused(cluster: Cluster) -> None:
    check_backends(load({"TILED_DATABASE_URI": cluster.admin}))
    for mode in ("session", "transaction"):
        with own_pgbouncer(cluster, mode) as port:
            check_backends(load({"TILED_DATABASE_URI": cluster.uri_at(port)}))
    with (
        own_pgbouncer(cluster, "statement") as port,
        pytest.raises(ConfigError, match="set its pool_mode to transaction or session"),
    ):
        check_backends(load({"TILED_DATABASE_URI": cluster.uri_at(port)}))


@contextmanager
def valkey(folder: Path, *options: str) -> Iterator[str]:
    """The address of a Valkey with these options."""
    port = free_port()
    config = folder / "valkey.conf"
    # Nodes of a cluster talk at a port that by itself is 10,000 higher, which there may not be.
    ports = f"port {port}\ncluster-port {free_port()}\n"
    config.write_text(f"{ports}bind 127.0.0.1\ndir {folder}\n")
    process = subprocess.Popen(
        [str(find_binary()), str(config), *options], stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        with redis.Redis(port=port) as client:
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(["--cluster-enabled", "yes"], "a node of a Redis Cluster"), (["--sentinel"], "a Sentinel")],
)
def test_what_is_no_redis_that_holds_all_keys_is_refused(
    tmp_path: Path, options: list[str], sentence: str
) -> None:
    with (
        valkey(tmp_path, *options) as uri,
        pytest.raises(ConfigError, match=f"streaming_cache.uri names {sentence}"),
    ):
        check_backends(load({"TILED_STREAMING_CACHE_URI": uri}))


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("redis://a:1,b:2", "is not the address of a Redis"),
        ("redis://a:port", "is not the address of a Redis"),
        ("redis://a:99999", "is not the address of a Redis"),
        ("redis://a:0", "has the port 0"),
        ("redis+sentinel://a", "is not the address of a Redis"),
        ("redis+sentinel://a,b:/primary", "in place of the host and port of a Sentinel"),
        ("rediss://a?ca=/ca.pem", "has a wrong option .*'ca'.*ssl_ca_certs"),
    ],
)
def test_a_wrong_address_is_refused(uri: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load({"TILED_STREAMING_CACHE_URI": uri})
