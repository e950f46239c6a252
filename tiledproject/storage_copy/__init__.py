"""Move the data of a site from a folder to a bucket, and back.

`run` copies while servers write, as often as wanted, and then switches the database while they are
stopped; `to_bucket` and `to_folder` know the form of the data on each side.
"""
