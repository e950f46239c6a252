"""Subscribe to updates larger than the unmodified client accepts by default."""

import sys

from installed import from_uri, new_data

uri, key = sys.argv[1:]
x_sub = new_data(from_uri(uri, api_key="secret")[key]).subscribe()


def on_new_data(update):
    data = update.data()
    print(update.sequence, data.nbytes, data[-1], flush=True)


x_sub.new_data.add_callback(on_new_data)
if hasattr(x_sub, "closed"):
    x_sub.start(0)
else:
    x_sub.start(0, max_size=10_000_000)
print("returned", flush=True)
