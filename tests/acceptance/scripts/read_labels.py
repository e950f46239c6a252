"""Read a table as a whole and by partitions."""

import sys

from installed import from_uri

uri, key = sys.argv[1:]
table = from_uri(uri, api_key="secret")[key]
count = getattr(table, "npartitions", None) or table.structure().npartitions
print(count, list(table.read().index), table.read()["x"].tolist() == [n * n for n in range(10)])
print([label for number in range(count) for label in table.read_partition(number).index])
