"""Runs in Tiled's environment: make a catalog with every family, users, tags and keys.

Arguments: a folder, the URIs of the databases of the catalog and of authentication, and a name.
Prints JSON: the secrets of keys, and the path of the configuration. Then, for each line with the
address of a server and a key, prints what Tiled's client reads there.
"""

import json
import os
import sqlite3
import sys
from pathlib import Path
from urllib.parse import quote

import awkward
import dask.array
import h5py
import numpy
import pandas
import pyarrow
import tifffile
import yaml
from tiled.client import from_context, from_uri
from tiled.client.context import Context
from tiled.server.app import build_app_from_config
from tiled.structures.array import ArrayStructure
from tiled.structures.core import Spec, StructureFamily
from tiled.structures.data_source import Asset, DataSource, Management
from tiled.structures.table import TableStructure

FOLDER, CATALOG, AUTHENTICATION, NAME = Path(sys.argv[1]), *sys.argv[2:5]
STORAGE, FILES = FOLDER / "storage", FOLDER / "files"
TESS, TOBY = f"tess-{NAME}", f"toby-{NAME}"
LISTED = ("array", "chunks", "awkward", "ragged", "tiff")
SQL = f"duckdb:///{FOLDER}/rows.duckdb"

CONFIGURATION = {
    "authentication": {
        "providers": [
            {
                "provider": "toy",
                "authenticator": "tiled.authenticators:DictionaryAuthenticator",
                "args": {"users_to_passwords": {TESS: "first-flush-1773", TOBY: "jug-1761"}},
            }
        ],
        "tiled_admins": [{"provider": "toy", "id": TOBY}],
        "secret_keys": ["a secret of the tests"],
    },
    "database": {"uri": AUTHENTICATION, "init_if_not_exists": True},
    "access_control": {
        "access_policy": "tiled.access_control.access_policies:TagBasedAccessPolicy",
        "args": {
            "provider": "toy",
            "access_tags_parser": "tiled.access_control.access_tags:AccessTagsParser",
        },
    },
    "catalog": {
        "uri": CATALOG,
        "init_if_not_exists": True,
        "writable_storage": [f"file://localhost{STORAGE}", SQL],
        "readable_storage": [str(FILES)],
    },
    "response_bytesize_limit": 200_000_000,
    "allow_origins": ["https://viewer.example.org"],
}


def statement(text, *values):
    """Run a statement in the catalog database."""
    if CATALOG.startswith("sqlite"):
        with sqlite3.connect(CATALOG.partition(":///")[2]) as connection:
            return connection.execute(text, values).fetchall()
    import asyncio

    import asyncpg

    async def run():
        connection = await asyncpg.connect(CATALOG)
        for place in range(len(values)):
            nonlocal_text[0] = nonlocal_text[0].replace("?", f"${place + 1}", 1)
        found = await connection.fetch(nonlocal_text[0], *values)
        await connection.close()
        return found

    nonlocal_text = [text]
    return asyncio.run(run())


def make_tags():
    """Make the tag "beamline", which Tess may apply, and "open", which is public."""
    statement(
        "INSERT INTO access_tags (id, name, is_public) VALUES (501, ?, false)", f"beam-{NAME}"
    )
    statement("INSERT INTO access_tags (id, name, is_public) VALUES (502, ?, true)", f"open-{NAME}")
    statement("INSERT INTO access_tags_principals (id, name) VALUES (601, ?)", TESS)
    statement("INSERT INTO access_tags_principals (id, name) VALUES (602, ?)", f"newcomer-{NAME}")
    scopes = (
        "read:metadata",
        "read:data",
        "write:metadata",
        "write:data",
        "create:node",
        "register",
    )
    for scope in scopes:
        statement(f"INSERT INTO access_grants VALUES (501, 601, '{scope}')")
    statement("INSERT INTO access_grants VALUES (501, 602, 'read:metadata')")
    statement("INSERT INTO access_tag_owners_association VALUES (501, 601)")


def log_in(context, user):
    passwords = CONFIGURATION["authentication"]["providers"][0]["args"]["users_to_passwords"]
    form = {"grant_type": "password", "username": user, "password": passwords[user]}
    token = context.http_client.post("/api/v1/auth/provider/toy/token", data=form)
    token.raise_for_status()
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    asked = {"expires_in": None, "scopes": ["inherit"], "note": f"of {user}"}
    key = context.http_client.post("/api/v1/auth/apikey", json=asked, headers=headers)
    key.raise_for_status()
    return key.json()["secret"]


def write_all(top):
    """Write a node of each family."""
    tags = [f"beam-{NAME}"]
    top.write_array(
        numpy.arange(35.0).reshape(5, 7),
        key="array",
        metadata={"sample": "gold", "n": 1},
        specs=[Spec("image", version="1")],
        access_tags=tags,
        dims=["y", "x"],
    )
    top["array"].update_metadata({"sample": "silver"})
    uneven = dask.array.from_array(numpy.arange(70, dtype="int16").reshape(10, 7), chunks=(4, 3))
    top.write_array(uneven, key="chunks", access_tags=tags)
    frame = pandas.DataFrame(
        {"x": [1, 2, 3], "label": ["a", "b", "ü"], "y": [0.5, float("nan"), 2]}
    )
    top.write_table(frame, key="table", access_tags=tags)
    schema = pyarrow.schema([("Time", pyarrow.float64()), ("count", pyarrow.int32())])
    rows = top.create_appendable_table(schema, key="rows", access_tags=tags)
    for start in (0, 3):
        part = {"Time": [start + 0.5, start + 1.5, start + 2.5], "count": [start, start + 1, 7]}
        rows.append_partition(0, pyarrow.table(part, schema=schema))
    top.write_sparse(
        numpy.array([[0, 1, 4], [2, 0, 5]]),
        numpy.array([1.5, -2.0, 3.0]),
        (5, 6),
        key="sparse",
        access_tags=tags,
    )
    top.write_awkward(
        awkward.Array([{"hits": [1, 2]}, {"hits": []}, {"hits": [3]}]),
        key="awkward",
        access_tags=tags,
    )
    top.write_ragged([[1.0, 2.0], [], [3.0]], key="ragged", access_tags=tags)
    source = DataSource(
        structure_family=StructureFamily.table,
        structure=TableStructure.from_pandas(frame),
        mimetype="text/csv",
    )
    top.new(StructureFamily.table, [source], key="csv", access_tags=tags).write(frame)


def register_files(top):
    """Register external files, with a type that is unknown here among them."""
    tags = [f"beam-{NAME}"]
    tifffile.imwrite(FILES / "a.tiff", numpy.arange(12, dtype="uint16").reshape(3, 4))
    with h5py.File(FILES / "b.h5", "w") as file:
        file["entry/data"] = numpy.arange(6)
    for key, name, family, mimetype, structure in (
        (
            "tiff",
            "a.tiff",
            "array",
            "image/tiff",
            ArrayStructure.from_array(numpy.arange(12, dtype="uint16").reshape(3, 4)),
        ),
        ("hdf5", "b.h5", "container", "application/x-hdf5", None),
    ):
        source = DataSource(
            structure_family=StructureFamily(family),
            structure=structure,
            mimetype=mimetype,
            management=Management.external,
            assets=[Asset(f"file://localhost{quote(str(FILES / name))}", False, "data_uri")],
        )
        top.new(StructureFamily(family), [source], key=key, access_tags=tags)


def add_data_source():
    """Give the node "tiff" a second data source, which Tiled's server can store and not read."""
    columns = (
        "node_id, structure_id, mimetype, parameters, properties, management, structure_family"
    )
    statement(
        f"INSERT INTO data_sources ({columns}) SELECT {columns} FROM data_sources "
        "WHERE mimetype = 'image/tiff'"
    )
    (FILES / "copy.tiff").write_bytes((FILES / "a.tiff").read_bytes())
    uri = f"file://localhost{quote(str(FILES))}/copy.tiff"
    statement("INSERT INTO assets (data_uri, is_directory) VALUES (?, false)", uri)
    statement(
        "INSERT INTO data_source_asset_association (data_source_id, asset_id, parameter) "
        "SELECT max(d.id), max(a.id), 'data_uri' FROM data_sources d, assets a"
    )


def read_all(address, key):
    """Return what the client reads of the nodes of `write_all` and `register_files`."""
    top = from_uri(address, api_key=key)[NAME]
    table = {name: top[name].read().fillna(-1).to_dict("list") for name in ("table", "csv", "rows")}
    revisions = top["array"].metadata_revisions[:]
    return {
        "keys": sorted(top),
        "metadata": [dict(top.metadata), dict(top["array"].metadata)],
        "revisions": [dict(one["attributes"]["metadata"]) for one in revisions],
        "specs": [[one.name, one.version] for one in top["array"].specs],
        "dims": top["array"].dims,
        "tags": top["private"].item["attributes"]["access_tags"],
        **table,
        **{name: top[name].read().tolist() for name in LISTED},
        "sparse": top["sparse"].read().todense().tolist(),
        "hdf5": top["hdf5", "entry", "data"].read().tolist(),
        "who": top.context.whoami()["uuid"],
    }


def main():
    for folder in (STORAGE, FILES):
        folder.mkdir(parents=True)
    path = FOLDER / "tiled.yml"
    path.write_text(yaml.safe_dump(CONFIGURATION))
    with Context.from_app(build_app_from_config(CONFIGURATION)) as context:
        make_tags()
        keys = {"tess": log_in(context, TESS), "toby": log_in(context, TOBY)}
        context.api_key = keys["toby"]
        root = from_context(context)
        top = root.create_container(NAME, access_tags=[f"beam-{NAME}"], metadata={"year": 2024})
        top.create_container("private", access_tags=[f"open-{NAME}"])
        write_all(top)
        register_files(top)
        top.create_container("k" * 1000, access_tags=[f"beam-{NAME}"])
        service = context.admin.create_service_principal("user")
        keys["service"] = context.admin.create_api_key(service["uuid"], note="robot")["secret"]
        keys["service_uuid"] = service["uuid"]
        who = context.whoami()["uuid"]
        rows = statement("SELECT time_created FROM nodes WHERE key = ?", "private")
    add_data_source()
    answer = {"keys": keys, "configuration": str(path), "toby": who, "created": str(rows[0][0])}
    print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        print(json.dumps(read_all(*line.split())), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("TILED_LOG", "")
    main()
