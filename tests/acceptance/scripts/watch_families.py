"""Receive the children of a container as they are created, and read each."""

import sys

from installed import from_uri

uri, key = sys.argv[1:]
c = from_uri(uri, api_key="secret")[key]
sub = c.subscribe()


def on_child(update):
    child = update.child()
    data = child.read()
    content = data.nnz if hasattr(data, "nnz") else data.tolist()
    print(update.key, child.structure_family.value, content, flush=True)


sub.child_created.add_callback(on_child)
sub.start(0)
print("returned", flush=True)
