"""Write and Stream Data: the process that receives new children, until it disconnects."""

import sys

from installed import from_uri

(uri,) = sys.argv[1:]

# Connect
client = from_uri(uri, api_key="secret")

# Create a Subscription
sub = client.subscribe()


# Register a callback, a function that will be called when updates are received.
def on_child_created(update):
    print("NEW:", update.child(), flush=True)


def on_metadata(update):
    print("CHANGED:", update.metadata, flush=True)


sub.child_created.add_callback(on_child_created)
sub.child_metadata_updated.add_callback(on_metadata)

# Start listening for updates.
sub.start_in_thread()
print("listening", flush=True)

input()
sub.disconnect()
print("disconnected", flush=True)
input()
