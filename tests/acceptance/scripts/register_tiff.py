"""Register an external TIFF file; streamed updates do not change it."""

import sys

import numpy
from installed import ArrayStructure, Asset, DataSource, Refused, StructureFamily, from_uri

uri, key, tiff_uri = sys.argv[1:]
client = from_uri(uri, api_key="secret")
uint8 = {"endianness": "not_applicable", "kind": "u", "itemsize": 1, "dt_units": None}
structure = ArrayStructure.from_json(
    {"data_type": uint8, "shape": [2, 3], "chunks": [[2], [3]], "dims": None, "resizable": False}
)
tiff_data_source = DataSource(
    structure_family=StructureFamily.array,
    structure=structure,
    mimetype="image/tiff",
    assets=[Asset(data_uri=tiff_uri, is_directory=False, parameter="data_uri", num=None)],
    management="external",
)
x = client.new(
    structure_family=StructureFamily.array,
    data_sources=[tiff_data_source],
    key=key,
)
print(x.read().tolist())
x.write(numpy.full((2, 3), 7, dtype="uint8"), persist=False)
print(x.read().tolist())
try:
    x.write(numpy.full((2, 3), 8, dtype="uint8"))
except Refused:
    print("refused")
print(x.read().tolist(), flush=True)
x.close_stream()
