"""Where the data of nodes are stored: one interface, and an implementation per kind of storage.

`interface` has what the storage of a site does for nodes and dense arrays, and `site.storage()`
returns the one that the settings name; `files` is about the files of all other families. Nothing
outside of this package depends on the kind of storage.
"""
