"""Tiled's client finds what there is."""

from __future__ import annotations

import secrets

import requests

from tests.conftest import API_KEY
from tests.servers import RunningServer

from .client_processes import TILED, ClientProcesses


def test_tileds_client_finds_sorts_cuts_and_counts(
    server: RunningServer, client_processes: ClientProcesses
) -> None:
    key = f"s{secrets.token_hex(4)}"
    with requests.Session() as session:
        session.headers["Authorization"] = f"Apikey {API_KEY}"

        def make(parent: str, name: str, **described: object) -> None:
            body = {"id": name, "structure_family": "container", **described}
            address = f"{server.uri}/api/v1/metadata/{parent}"
            assert session.post(address, json=body).status_code == 200

        make("", key)
        for n in range(250):
            nested = {"a": None, "b": [1.0]} if n == 5 else None
            metadata = {"n": n, "color": ["red", "blue"][n % 2], "note": f"a word{n}"}
            metadata |= {"odd": True} if n % 2 else {}
            metadata |= {"nested": nested} if nested else {}
            make(key, f"k{n}", metadata=metadata, specs=[] if n % 2 else [{"name": "even"}])
        make(f"{key}/k0", "below", metadata={"n": 1000})
    reader = client_processes.process("subscriber", TILED)
    reader.run("search", server.uri, key)
    reader.finishes(
        "250 250 250 250",
        "k0 k249 ['k0', 'k1'] ['k248', 'k249'] ['k200', 'k201']",
        "['k249', 'k248'] 249",
        "['k7'] ['k5']",
        "['k248'] ['k1', 'k3']",
        "['k9'] ['k240', 'k241'] ['k13']",
        "125 125",
        "125 []",
        "2 False ['k2', 'k4']",
        "{'metadata': {'color': "
        "[{'value': 'blue', 'count': 125}, {'value': 'red', 'count': 125}]}, "
        "'structure_families': [{'value': 'container', 'count': 250}], 'specs': None}",
        "[('k0', 'below')] 1 1000",
    )
