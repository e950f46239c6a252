"""Subscribe to updates about an array, from a sequence number on, until its stream is closed."""

import sys
from threading import Event

from installed import from_uri, new_data

uri, key, start = sys.argv[1:]
c = from_uri(uri, api_key="secret")

x_sub = new_data(c[key]).subscribe()


def on_new_data(update):
    print("offset:", update.offset)
    print(update.data(), flush=True)


x_sub.new_data.add_callback(on_new_data)

finished = Event()


def on_stream_closed(subscription):
    finished.set()


x_sub.stream_closed.add_callback(on_stream_closed)

x_sub.start_in_thread(int(start))
finished.wait(60)
print("closed:", getattr(x_sub, "closed", "as the callback said"), flush=True)
