"""Print the errors that the unmodified client raises for rejected handshakes."""

import json
import sys

from tiled.client import from_uri
from websockets.exceptions import InvalidStatus

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.create_container(key)
x.delete()
try:
    x.subscribe().start()
except InvalidStatus as refused:
    detail = json.loads(refused.response.body)["detail"]
    print(refused.response.status_code, detail, flush=True)
