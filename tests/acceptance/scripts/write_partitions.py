"""Write a dask frame whose partitions have the row labels of the whole frame."""

import sys

import dask.dataframe
import pandas
from installed import from_uri

uri, key = sys.argv[1:]
frame = pandas.DataFrame({"x": [value * value for value in range(10)]}, index=range(100, 120, 2))
parts = dask.dataframe.from_pandas(frame, npartitions=3, sort=False)
from_uri(uri, api_key="secret").write_table(parts, key=key)
from_uri(uri, "dask", api_key="secret")[key].read().compute()
