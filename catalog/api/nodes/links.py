"""Links in responses.

Keys in links are percent-encoded, so that a client that follows a link reaches that very node;
`{0}` and `{index}` are placeholders that the client fills in. Source:
docs/reference/tiled-protocol/http.md, "Paths, doubled slashes, encoding" and "Links per family".
"""

from __future__ import annotations

import re
from urllib.parse import quote

from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

# Characters that need no encoding in a path (RFC 3986), and the space, which every client encodes
# itself: so they appear in Tiled's own links.
UNQUOTED_CHARACTERS = "/!$&'()*+,;=:@ "
_plain = re.compile(f"[A-Za-z0-9_.~{re.escape(UNQUOTED_CHARACTERS)}-]*").fullmatch


def quoted(path: str) -> str:
    """Return `path` percent-encoded for a URL."""
    if _plain(path):  # nearly every path, at a tenth of the cost
        return path
    return quote(path, safe=UNQUOTED_CHARACTERS, errors="surrogatepass")


def self_link(base: str, path: str) -> str:
    """Return the URL of the node at `path`."""
    return f"{base}/metadata/{quoted(path)}"


def node_links(
    base: str, path: str, family: StructureFamily, structure: Structure | None
) -> dict[str, str]:
    """Return the links of the node at `path`; doubled slashes in it are preserved."""
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
    """Return the path of a new child in links: the parent's as requested, a slash, and the key."""
    return f"{parent_path}/{key}"
