"""Like watch_data.py, but on this thread, and print the fields of each update."""

import sys

from installed import from_uri, new_data

uri, key, start = sys.argv[1:]
c = from_uri(uri, api_key="secret")
x_sub = new_data(c[key]).subscribe()


def on_new_data(update):
    print(update.sequence, update.shape, update.data().tolist(), flush=True)


x_sub.new_data.add_callback(on_new_data)
x_sub.start(int(start))
print("returned", flush=True)
