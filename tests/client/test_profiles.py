"""Profiles: files in several folders, their precedence, and connections with their settings."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

from tests.client.fake_servers import HttpPeer, Reply, StreamPeer, closes, schema, visit
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayClient,
    HttpOptions,
    ProfileError,
    ProfileExists,
    ProfileNotFound,
    from_profile,
    get_default_profile_name,
    list_profiles,
    set_default_profile_name,
)
from tiled_client.http.client import HttpClient
from tiled_client.profiles.editing import create_profile, delete_profile
from tiled_client.profiles.folders import profile_folders
from tiled_client.stream.engine.websocket_options import tls_context

ABOUT = Reply(value={"api_version": 0, "authentication": {"required": False, "providers": []}})
ROOT = Reply(
    value={
        "data": {
            "id": "",
            "attributes": {"structure_family": "container", "specs": []},
            "links": {},
        }
    }
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The folders of the site and of the user, and no key of the environment."""
    found = {name: tmp_path / name / "profiles" for name in ("site", "user")}
    for folder in found.values():
        folder.mkdir(parents=True)
    monkeypatch.setenv("TILED_SITE_PROFILES", str(found["site"]))
    monkeypatch.setenv("TILED_PROFILES", str(found["user"]))
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    return found


def test_a_profile_connects_and_what_is_passed_overrides_it(
    server: RunningServer, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAMLINE_KEY", API_KEY)
    file = folders["user"] / "mine.yml"
    file.write_text(
        f"mine:\n  uri: {server.uri}\n  api_key: ${{BEAMLINE_KEY}}\n"
        "  timeout: {connection: 3, read: 60}\n  max_connections: 2\n"
    )
    options = from_profile("mine").http_options
    assert (options.connect_timeout, options.read_timeout, options.connections) == (3, 60, 2)
    own = HttpOptions(read_timeout=5)
    options = from_profile("mine", options=own, max_connections=7).http_options
    assert (options.connect_timeout, options.read_timeout, options.connections) == (3, 5, 7)
    set_default_profile_name("mine")
    assert from_profile().uri == from_profile("mine").uri


def test_the_folder_nearest_to_the_user_applies(folders: dict[str, Path]) -> None:
    (folders["site"] / "all.yaml").write_text(
        "both: {uri: 'http://site'}\nsite: {uri: 'http://s'}\ntwice: {uri: 'http://a'}\n"
    )
    (folders["site"] / "more.yml").write_text("twice: {uri: 'http://b'}\n")
    (folders["site"] / "notes.txt").write_text("not a profile")
    user = folders["user"] / "own.yml"
    user.write_text("both: {uri: 'http://user'}\n")
    with pytest.warns(UserWarning, match=r"'twice' is in .*all.yaml:3 and .*more.yml:1"):
        assert list_profiles() == {"both": user, "site": folders["site"] / "all.yaml"}
    user.write_text("both: {uri: 'http://user'}\ntwice: {uri: 'http://user'}\n")
    with warnings.catch_warnings(action="error"):
        assert list_profiles()["twice"] == user


def test_folders_without_variables_are_those_of_tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TILED_SITE_PROFILES", "TILED_PROFILES", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.delenv(name, raising=False)
    found = profile_folders()
    assert found[0] == Path("/etc/tiled/profiles")
    assert Path.home() / ".config/tiled/profiles" in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p:\n  uri: http://h\n  verfiy: false\n", r"p.yml:3: Unknown setting 'verfiy': did you"),
        ("p:\n  uri: http://h\n  verify: 1\n", r"p.yml:3: 'verify' must be true, false or a CA"),
        ("p:\n  api_key: 1234\n  uri: http://h\n", r"p.yml:2: 'api_key' must be a text; quote"),
        ("\np:\n  headers: {}\n", r"p.yml:2: The profile 'p' has no 'uri'"),
        ("p: http://h\n", r"p.yml:1: The profile 'p' must have settings"),
        ("p:\n  direct: {}\n", r"p.yml:2: .* starts a server in this process"),
        ("q: {uri: a}\np: {uri: [\n", r"no profile 'p' .*p.yml:3: Invalid YAML"),
        ("- p\n", r"p.yml:1: The file must map names of profiles"),
    ],
)
def test_an_error_has_the_file_and_the_line(
    folders: dict[str, Path], text: str, message: str
) -> None:
    (folders["user"] / "p.yml").write_text(text)
    with pytest.raises(ProfileError, match=message) as raised:
        from_profile("p")
    assert "1234" not in str(raised.value)


def test_a_broken_profile_spoils_no_other(server: RunningServer, folders: dict[str, Path]) -> None:
    (folders["user"] / "bad.yml").write_text("{")
    (folders["user"] / "good.yml").write_text(
        f"good: {{uri: '{server.uri}', api_key: {API_KEY}}}\nworse: {{url: http://h}}\n"
    )
    assert from_profile("good").path == ()
    with pytest.warns(UserWarning, match=r"\.yml:[12]: ") as caught:
        assert list(list_profiles()) == ["good"]
    assert len(caught) == 2


def test_settings_without_effect_are_reported(
    http_peer: HttpPeer, folders: dict[str, Path]
) -> None:
    http_peer.gives(ABOUT, ROOT)
    (folders["user"] / "p.yml").write_text(f"p:\n  uri: {http_peer.root}\n  username: ada\n")
    with pytest.warns(UserWarning, match=r"p.yml:3: .*'username'.* no effect .*: call login"):
        from_profile("p")


def test_headers_are_sent_to_the_server_of_the_profile_alone(
    http_peer: HttpPeer, stream_peer: StreamPeer, folders: dict[str, Path]
) -> None:
    (folders["user"] / "p.yml").write_text(
        f"p:\n  uri: {http_peer.root}\n  headers: {{X-Gate: open, X-Hop: 1}}\n  api_key: k\n"
    )
    with HttpPeer() as other:
        elsewhere = Reply(307, headers={"Location": other.root.replace("127.0.0.1", "localhost")})
        http_peer.gives(elsewhere)
        other.gives(ABOUT, ROOT)
        from_profile("p")
        assert http_peer.exchanges[0].headers["X-Gate"] == "open"
        assert "X-Gate" not in other.exchanges[0].headers
        # Another server that the caller names gets neither the headers nor the key.
        other.gives(ABOUT, ROOT)
        from_profile("p", uri=other.root)
        assert not {"X-Gate", "Authorization"} & set(other.exchanges[-1].headers)
    stream_peer.plays(visit(schema(), closes(1000)))
    node = stream_peer.array()
    node.http_options.headers["X-Gate"] = "open"  # type: ignore[index]
    with node.subscribe().start_in_thread() as sub:
        sub.wait(10)
    assert stream_peer.headers[0]["X-Gate"] == "open"


def test_no_profile_and_no_default_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ProfileNotFound, match="no default is set: pass a name") as raised:
        from_profile()
    assert isinstance(raised.value, KeyError)
    with pytest.raises(ProfileNotFound, match=r"no profile 'nope' in .* Known profiles: none"):
        set_default_profile_name("nope")


def test_a_profile_is_written_for_its_user_alone_and_deleted(folders: dict[str, Path]) -> None:
    path = create_profile("p", {"uri": "http://h", "api_key": "007", "verify": False})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ProfileExists, match=r"p\.yml exists"):
        create_profile("p", {"uri": "http://other"})
    set_default_profile_name("p")
    assert get_default_profile_name() == "p"
    assert delete_profile("p") == path
    assert get_default_profile_name() is None
    assert list_profiles() == {}
    for name in ("../p", ""):
        with pytest.raises(ProfileError, match="cannot be the name"):
            create_profile(name, {"uri": "http://h"})


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is its own CA, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def secure_peer(certificate: tuple[Path, Path]) -> Iterator[HttpPeer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    peer = HttpPeer()
    server: Any = peer._server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with peer:
        yield peer


def test_a_certificate_is_verified_unless_the_profile_says_otherwise(
    secure_peer: HttpPeer, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    secure_peer.gives(ABOUT)
    root = secure_peer.root.replace("http:", "https:")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    assert HttpClient(root, options=HttpOptions(verify=str(certificate[0]))).get("", ()).value()
    # A bundle of the environment does not turn verification on again.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.certs.where())
    with warnings.catch_warnings(action="ignore"):
        assert HttpClient(root, options=HttpOptions(verify=False)).get("", ()).value()


def test_streams_verify_certificates_as_requests_do(certificate: tuple[Path, Path]) -> None:
    from websockets.sync.server import serve

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serve(lambda socket: socket.send("hello"), "127.0.0.1", 0, ssl=context) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        uri = f"wss://127.0.0.1:{served.socket.getsockname()[1]}"
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(uri, ssl=tls_context(True)).__enter__()
        for verify in (False, str(certificate[0])):
            with connect(uri, ssl=tls_context(verify)) as socket:
                assert socket.recv() == "hello"
        served.shutdown()


def test_classes_are_imported_from_beside_the_file(
    server: RunningServer, folders: dict[str, Path]
) -> None:
    (folders["user"] / "own_classes.py").write_text(
        "import tiled_client\n\nclass OwnArray(tiled_client.ArrayClient):\n    pass\n"
    )
    profile = (
        f"p:\n  uri: {server.uri}\n  api_key: {API_KEY}\n"
        "  structure_clients:\n    array: own_classes:OwnArray\n    table: json:JSONDecoder\n"
    )
    (folders["user"] / "p.yml").write_text(profile)
    with pytest.warns(UserWarning, match=r"p.yml:4: .* derive json:JSONDecoder from tiled_client"):
        client = from_profile("p").create_container()
    assert type(client.write_array(np.arange(3))).__name__ == "OwnArray"
    assert type(from_profile("p", "numpy", uri=client.uri).write_array([1])) is ArrayClient
    (folders["user"] / "p.yml").write_text(profile.replace("OwnArray", "Nope"))
    with pytest.raises(ProfileError, match=r"p.yml:4: 'own_classes:Nope' cannot be imported"):
        from_profile("p")


def test_a_profile_reads_data(server: RunningServer, folders: dict[str, Path]) -> None:
    create_profile("p", {"uri": server.uri, "api_key": API_KEY, "structure_clients": "numpy"})
    client = from_profile("p").create_container()
    x = client.write_array(np.arange(3), key="x")
    assert from_profile("p", uri=x.uri).read().tolist() == [0, 1, 2]
