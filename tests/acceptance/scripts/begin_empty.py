"""Create an array without data in the server's storage, and write it later."""

import sys

import numpy
from installed import ArrayStructure, DataSource, StructureFamily, from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
int64 = {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None}
structure = ArrayStructure.from_json(
    {"data_type": int64, "shape": [3], "chunks": [[3]], "dims": None, "resizable": False}
)
x = client.new(
    structure_family=StructureFamily.array,
    data_sources=[
        DataSource(structure=structure, structure_family=StructureFamily.array),
    ],
    key=key,
)
print(x.read())

# PUT (write) new values
x.write(numpy.array([4, 5, 6]), persist=False)
x.write(numpy.array([7, 8, 9]), persist=False)
print(x.read())

# Persist the final array
x.write(numpy.array([11, 12, 13]))
print(x.read(), flush=True)
x.close_stream()
