"""Watching a node while it is written.

`protocol`, `position`, `outcomes` and `updates` say what messages mean, without I/O; `receiver`
holds the connection, `inbox` hands over to whoever handles updates, `subscription` calls them.
"""
