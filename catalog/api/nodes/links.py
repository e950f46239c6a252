"""Addresses in responses.

Source: the wire, "Paths, doubled slashes, encoding" and "Links per family". Keys stand in links
percent-encoded, so that a client that follows one reaches that very node; `{0}` and `{index}` are
for the client to fill in.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from django.http import HttpRequest
from rest_framework.request import Request

from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

ROOT_PATH = "/api"
API = f"{ROOT_PATH}/v1"


def base_url(request: Request | HttpRequest) -> str:
    """The API's root as the client reached it, behind a proxy too; no slash at the end."""
    proto = request.META.get("HTTP_X_FORWARDED_PROTO") or request.scheme
    host = request.META.get("HTTP_X_FORWARDED_HOST") or request.META.get("HTTP_HOST")
    return f"{proto}://{host or request.get_host()}{API}"


# What may stand in a path as it is (RFC 3986), and the space, which every client encodes itself: of
# Tiled's own links they look the same.
PLAIN = "/!$&'()*+,;=:@ "
_plain = re.compile(f"[A-Za-z0-9_.~{re.escape(PLAIN)}-]*").fullmatch


def quoted(path: str) -> str:
    """Return `path` percent-encoded, as it stands in an address."""
    if _plain(path):  # nearly every path, at a tenth of the cost
        return path
    return quote(path, safe=PLAIN, errors="surrogatepass")


def self_link(base: str, path: str) -> str:
    """The address of the node at `path`."""
    return f"{base}/metadata/{quoted(path)}"


def node_links(
    base: str, path: str, family: StructureFamily, structure: Structure | None
) -> dict[str, str]:
    """Links of the node at `path`, which stands in them as given, doubled slashes included."""
    path = quoted(path)
    links = {"self": f"{base}/metadata/{path}"}
    match family:
        case StructureFamily.container:
            links["search"] = f"{base}/search/{path}"
            links["search_deep"] = f"{base}/search-deep/{path}"
            links["full"] = f"{base}/container/full/{path}"
        case StructureFamily.array | StructureFamily.sparse:
            assert isinstance(structure, (ArrayStructure, SparseStructure))
            places = ",".join(f"{{{n}}}" for n in range(len(structure.shape)))
            links["full"] = f"{base}/array/full/{path}"
            links["block"] = f"{base}/array/block/{path}?block={places}"
        case StructureFamily.table:
            links["full"] = f"{base}/table/full/{path}"
            links["partition"] = f"{base}/table/partition/{path}?partition={{index}}"
        case StructureFamily.awkward:
            links["full"] = f"{base}/awkward/full/{path}"
            links["buffers"] = f"{base}/awkward/buffers/{path}"
        case StructureFamily.ragged:
            links["full"] = f"{base}/ragged/full/{path}"
            links["block"] = f"{base}/ragged/block/{path}?block={{0}}"
    return links


def child_path(parent_path: str, key: str) -> str:
    """The path of a new child in links: the parent's as it was asked for, a slash, and the key."""
    return f"{parent_path}/{key}"
