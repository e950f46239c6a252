"""The path below which the site is served: the setting, the header, and the paths of requests."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tiledproject.config.errors import ConfigError
from tiledproject.config.root_paths import check_root_path
from tiledproject.config.settings_model import load
from tiledproject.http.root_path import RootPathMiddleware, inner_path
from tiledproject.http.trusted_proxies import TrustedProxyMiddleware


async def reached(
    path: str, *, setting: str = "", header: str = "", peer: str = "127.0.0.1"
) -> tuple[str, str, str]:
    """Return root path, path and inner path of a connection as the site sees it."""
    seen: list[dict[str, Any]] = []

    async def site(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)

    headers = [(b"x-forwarded-prefix", header.encode())] if header else []
    scope = {"type": "websocket", "path": path, "headers": headers, "client": (peer, 1)}
    networks = [ipaddress.ip_network("127.0.0.1")]
    middleware = TrustedProxyMiddleware(RootPathMiddleware(site, setting), networks)
    await middleware(scope, None, None)
    return seen[0].get("root_path", ""), seen[0]["path"], inner_path(seen[0])


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/api/v1/", "/api/v1/"),
        ("/tiled/api/v1/", "/api/v1/"),
        ("/tiled/", "/"),
        ("/tiled", "/"),
        ("/", "/"),
        ("/tiledx", "/tiledx"),
    ],
)
@pytest.mark.parametrize("given", [{"setting": "/tiled"}, {"header": "/tiled"}])
async def test_paths_with_and_without_the_prefix_are_the_same(
    path: str, inner: str, given: dict[str, str]
) -> None:
    assert await reached(path, **given) == ("/tiled", f"/tiled{inner}", inner)


async def test_the_header_counts_from_trusted_proxies_only() -> None:
    seen = await reached("/ui/", setting="/tiled", header="/other")
    assert seen == ("/other", "/other/ui/", "/ui/")
    seen = await reached("/ui/", setting="/tiled", header="/other", peer="192.0.2.1")
    assert seen == ("/tiled", "/tiled/ui/", "/ui/")
    assert await reached("/ui/", header="/other", peer="192.0.2.1") == ("", "/ui/", "/ui/")


@pytest.mark.parametrize(
    "text", ["tiled", "//host", "/a//b", "/a b", "/a%2Fb", "/api", "/x/api-2", "/ui", "/../x"]
)
def test_a_root_path_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        check_root_path(text)
    with pytest.raises(ConfigError, match=r"server\.root_path"):
        load({"TILED_SERVER_ROOT_PATH": text})


@pytest.mark.parametrize("text", ["/tiled", "/tiled/", "/a/b-1/c.d~e_f"])
def test_a_slash_at_the_end_does_not_count(text: str) -> None:
    assert load({"TILED_SERVER_ROOT_PATH": text}).server.root_path == text.rstrip("/")
