"""Process the documents of a run, saved as JSON, as those of a run that is going on."""

import json
import sys
from pathlib import Path

from bluesky.callbacks import LiveTable
from event_model import DocumentNames, schema_validators

table = LiveTable(["motor", "det1"], stream_name="primary")
for name, document in json.loads(Path(sys.argv[1]).read_text()):
    schema_validators[DocumentNames[name]].validate(document)
    table(name, document)
