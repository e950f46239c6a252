"""Extend an array twice without persisting, and then persist it."""

import sys

import numpy
from installed import from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.write_array(numpy.array([1, 2, 3]), key=key)
for numbers in ([4, 5], [6, 7]):
    x.patch(numpy.array(numbers), offset=3, extend=True, persist=False)
    print(x.shape)
x.patch(numpy.array([8, 9]), offset=3, extend=True)
print(x.read(), flush=True)
x.close_stream()
