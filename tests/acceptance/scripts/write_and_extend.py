"""Write and Stream Data: the process that writes."""

import sys

import numpy
from installed import from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.write_array(numpy.array([1, 2, 3]), key=key)

input()
x.patch(numpy.array([4, 5, 6]), offset=3, extend=True)
print(x.read(), flush=True)

input()
x.patch(numpy.array([7, 8, 9]), offset=6, extend=True)
x.close_stream()
