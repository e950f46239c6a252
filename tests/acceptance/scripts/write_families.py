"""Write a sparse, a ragged and an awkward array in a container."""

import sys

import awkward
import numpy
import sparse
from installed import from_uri

uri, key = sys.argv[1:]
c = from_uri(uri, api_key="secret").create_container(key)

coo = sparse.COO(coords=numpy.array([[0, 2], [1, 3]]), data=numpy.array([1.5, 2.5]), shape=(3, 4))
s = c.write_sparse(coords=coo.coords, data=coo.data, shape=coo.shape, key="s", dims=["y", "x"])
s.write_block(coo.coords, coo.data * 2, block=(0, 0))
print(s)

r = c.write_ragged([[1, 2], [3]], key="r")
r.patch([[7, 8, 9]], offset=2, extend=True)
print(r.shape, r.chunks, r.dtype)

events = [{"x": 1, "y": [1.5], "s": "a"}, {"x": 2, "y": [], "s": None}]
a = c.write_awkward(awkward.Array(events), key="a")
print(a.read().to_list(), flush=True)
for node in (s, r, a, c):
    node.close_stream()
