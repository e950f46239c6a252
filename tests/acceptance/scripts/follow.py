"""Print the number that fills each update of an array, until its stream is closed."""

import sys

from installed import from_uri, new_data

uri, key = sys.argv[1:]
x_sub = new_data(from_uri(uri, api_key="secret")[key]).subscribe()


def on_new_data(update):
    print(update.data().max(), flush=True)


x_sub.new_data.add_callback(on_new_data)
x_sub.start(0)
