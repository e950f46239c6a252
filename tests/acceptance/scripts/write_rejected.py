"""Runs that the server rejects: what Writer raises, and what its backup has."""

import sys

from event_model import compose_run

from tiled_client import FrameRejected, from_uri
from tiled_client.bluesky import Writer

uri, api_key, key = sys.argv[1:]
runs = from_uri(uri, api_key=api_key)[key]


def documents_of(*values):
    """Return the documents of a run with these values of a number."""
    run = compose_run()
    keys = {"x": {"dtype": "number", "shape": [], "source": "x"}}
    stream = run.compose_descriptor(name="primary", data_keys=keys, object_keys={"device": ["x"]})
    events = [stream.compose_event(data={"x": x}, timestamps={"x": 0.0}) for x in values]
    first = [("start", run.start_doc), ("descriptor", stream.descriptor_doc)]
    return [*first, *(("event", event) for event in events), ("stop", run.compose_stop())]


def write(writer, documents):
    """Write documents, and print the error that they raise, if any."""
    try:
        for name, document in documents:
            writer(name, document)
    except (FrameRejected, ValueError) as error:
        print(type(error).__name__, getattr(error, "status", name))
    else:
        print("written")


documents = documents_of(1, 2, 3)
write(Writer(runs, batch_size=1), documents)
write(Writer(runs, batch_size=1), documents)
backup = {}
write(Writer(runs, batch_size=1, backup_dictionary=backup), documents)
print(*(len(found) for found in backup.values()))
write(Writer(runs, batch_size=1), documents_of(1, 1.5)[:4])
try:
    Writer(object())
except TypeError as error:
    print(str(error)[:40])
