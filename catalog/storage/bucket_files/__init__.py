"""Objects of buckets as files: read only, by ranges.

| module | subject |
| --- | --- |
| `paths` | `ObjectPath`: a `pathlib.Path` of an object, with the methods that read it |
| `files` | an object as a binary file, with read-ahead |
| `blocks` | the cache of blocks |
| `access` | how this process reaches objects: itself, or through the server process |
| `ranges` | the requests for ranges and their results, also as plain data |
| `buckets` | ranged requests to the object storage, in the server process |
| `broker` | the server's answers to a confined process, for the objects of one call only |

A confined process has neither network nor credentials: it sends the server process the ranges that
it needs, over the socket by which it received its task.
"""
