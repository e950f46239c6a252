"""Read a sparse, a ragged and an awkward array, in whole and in part."""

import sys

from installed import from_uri

uri, key = sys.argv[1:]
c = from_uri(uri, api_key="secret")[key]
print(list(c))
s, r, a = c["s"], c["r"], c["a"]
print(list(s.dims), s.read().todense().tolist())
print(s[1:, 2:].todense().tolist(), s.read_block((0, 0)).nnz)
print(r.shape, r.read().tolist())
print(r[1:].tolist(), r[2].tolist(), int(r[2, 1]), r[:2, :1].tolist())
print(a.read().to_list())
print(a["y"].to_list(), a["x"].to_list(), flush=True)
