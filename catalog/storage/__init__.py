"""Stored bytes: arrays, tables and registered external files. Does not import Django.

`arrays.ArrayStore`    zarr v3 folders, one per array
`tables.TableStore`    Arrow IPC streams, one file per partition
`external`             readers of registered files, by mimetype
`files`                paths and URIs of stored data, and their removal
`errors`               the exceptions of this package

A writer holds the lock of its node; readers need none. The catalog is authoritative for the shape
of an array and the length of a partition: bytes beyond them are ignored.
"""
