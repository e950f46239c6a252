"""Bytes on disk: arrays, tables, and files that others wrote. Knows nothing of Django.

`arrays.ArrayStore`    zarr v3 folders, one per array
`tables.TableStore`    Arrow IPC streams, one file per partition
`external`             readers of registered files, by mimetype
`files`                where things lie, and taking them away again
`errors`               what goes wrong, each with a sentence

Whoever writes holds the lock of the node; reading needs none. What the catalog says (the shape of
an array, the length of a partition) is what counts: bytes beyond it are not there.
"""
