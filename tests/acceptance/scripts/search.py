"""Search among 250 nodes with each query of Tiled's client."""

import sys

from tiled.client import from_uri
from tiled.queries import Eq, FullText, In, Key, KeyPresent, Like, NotIn, Regex, SpecsQuery

uri, key = sys.argv[1:]
c = from_uri(uri, api_key="secret")[key]


def found(*queries):
    result = c
    for query in queries:
        result = result.search(query)
    return list(result)


print(len(list(c)), len(c), len(list(c.sort(("n", -1)))), len(list(c.keys()[:])))
print(c.keys().first(), c.keys().last(), c.keys().head(2), c.keys().tail(2), c.keys()[200:202])
print(
    c.sort(("n", -1)).keys().head(2), c.sort(("color", 1), ("n", -1)).values().first().metadata["n"]
)
print(found(Key("n") == 7.0), found(Eq("nested", {"b": [1], "a": None}))[:1])
print(found(Key("color") == "red", Key("n") > 246), found(In("n", [3, 1])))
print(found(FullText("word9")), found(Like("note", "%word24_"))[:2], found(Regex("note", "d13$")))
print(len(found(NotIn("color", ["red"]))), len(found(KeyPresent("odd", exists=False))))
print(len(found(SpecsQuery(["even"], []))), found(SpecsQuery(["even"], ["even"])))
red = c.search(Key("color") == "red")
print(red["k2"].metadata["n"], "k1" in red, [key for key, _ in red.items()[1:3]])
print(c.distinct("color", counts=True, structure_families=True))
deep = c.search_deep(Key("n") == 1000)
print(list(deep), len(deep), deep["k0", "below"].metadata["n"], flush=True)
