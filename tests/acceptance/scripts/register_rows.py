"""Register a CSV file as a table, and announce new rows twice: with and without their range."""

import sys

from installed import (
    Asset,
    DataSource,
    StructureFamily,
    TableStructure,
    from_uri,
    update_data_source,
)

uri, key, path, arrow_schema = sys.argv[1:]
structure = {"arrow_schema": arrow_schema, "npartitions": 1, "columns": ["a", "b"]}
source = DataSource(
    structure_family=StructureFamily.table,
    structure=TableStructure.from_json({**structure, "resizable": False}),
    mimetype="text/csv",
    assets=[
        Asset(data_uri=f"file://localhost{path}", is_directory=False, parameter="data_uris", num=0)
    ],
    management="external",
)
t = from_uri(uri, api_key="secret").new(
    structure_family=StructureFamily.table, data_sources=[source], key=key
)
print(t.read().to_dict("list"), flush=True)

input()
with open(path, "a") as file:
    file.write("3,z\n4,w\n")
update_data_source(t, offset=2, count=2)
with open(path, "a") as file:
    file.write("5,v\n")
update_data_source(t)
print(t.read().to_dict("list"), flush=True)

input()
t.close_stream()
