"""Subscribe to the rows that are written to a table, until its stream is closed."""

import sys

from installed import from_uri, new_data

uri, key, start = sys.argv[1:]
c = from_uri(uri, api_key="secret")
t_sub = new_data(c[key]).subscribe()


def on_new_data(update):
    kind = "appended" if update.append else "written"
    print(kind, update.data().to_dict("list"), flush=True)


t_sub.new_data.add_callback(on_new_data)
t_sub.start(int(start))
print("returned", flush=True)
