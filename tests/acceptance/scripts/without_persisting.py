"""Performance Optimization: Non-persistent Updates, with `write` and with `patch`."""

import sys

import numpy
from installed import from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.write_array(numpy.array([1, 2, 3]), key=key)

# PUT (write) new values
x.write(numpy.array([4, 5, 6]), persist=False)
print(x.read())
x.write(numpy.array([7, 8, 9]), persist=False)
print(x.read())

# PATCH (patch) new values
x.patch(numpy.array([11]), offset=(0,), persist=False)
x.patch(numpy.array([12]), offset=(1,), persist=False)
x.patch(numpy.array([13]), offset=(2,), persist=False)
print(x.read())

# Persist the final array
x.write(numpy.array([11, 12, 13]))
print(x.read(), flush=True)
x.close_stream()
