"""Disconnecting or Closing: a producer that closes its stream and then continues to write."""

import sys

import numpy
from installed import from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.write_array(numpy.array([1, 2, 3]), key=key)
print("written", flush=True)

input()
x.close_stream()
x.write(numpy.array([4, 5, 6]))
print("resumed", flush=True)

input()
x.write(numpy.array([7, 8, 9]))
x.close_stream()
