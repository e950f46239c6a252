"""Update the metadata of a child."""

import sys

from installed import from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
x = client.create_container(key, metadata={"color": "blue"})
x.update_metadata({"color": "red", "number": 5})
print(dict(client[key].metadata), flush=True)
