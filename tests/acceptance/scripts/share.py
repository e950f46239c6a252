"""Tiled's client: nodes that alice shares with bob by access tags, and others."""

import sys

import numpy
from tiled.client import from_uri
from tiled.client.utils import ClientError
from tiled.queries import AccessTagsFilter

uri, alice_key, bob_key, key = sys.argv[1:]
alice, bob = (from_uri(uri, api_key=secret) for secret in (alice_key, bob_key))


def refused(act) -> str:
    try:
        act()
    except (ClientError, KeyError) as error:
        response = getattr(error, "response", None)
        return type(error).__name__ if response is None else str(response.status_code)
    return "not refused"


box = alice.create_container(key, access_tags=["team", "team"])
print(list(box.access_tags))
x = box.write_array(numpy.arange(3), key="x")
box.write_array(numpy.arange(3), key="y", access_tags=["team"])
print(list(x.access_tags), list(box), len(box))
theirs = bob[key]
print(list(theirs), len(theirs), theirs["y"].read().tolist())
print(refused(lambda: theirs["x"]), refused(lambda: theirs.update_metadata({"a": 1})))
print(refused(lambda: box.write_array(numpy.arange(3), key="z", access_tags=["public"])))
print(refused(lambda: bob.create_container(access_tags=["team"])))
x.update_metadata(access_tags=["user:alice", "team"])
print(sorted(x.access_tags), sorted(theirs), len(theirs))
print(len(theirs.search(AccessTagsFilter(["user:alice"]))))
print(refused(lambda: theirs.delete(recursive=True, external_only=False)), flush=True)
