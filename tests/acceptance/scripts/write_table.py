"""Write a table, and append to another."""

import sys

import pandas
import pyarrow
from installed import append, from_uri

uri, key = sys.argv[1:]
client = from_uri(uri, api_key="secret")
t = client.write_table({"a": [1, 2], "b": ["x", "y"]}, key=key)
t.write(pandas.DataFrame({"a": [3, 4], "b": ["z", "z"]}))
print(t.read().to_dict("list"))
t.close_stream()

schema = pyarrow.schema([("a", pyarrow.int64()), ("b", pyarrow.string())])
growing = client.create_appendable_table(schema, key=key + "growing")
append(growing, {"a": [1, 2], "b": ["x", "y"]})
append(growing, pyarrow.table({"a": [3], "b": ["z"]}))
print(growing.read().to_dict("list"), flush=True)
growing.close_stream()
