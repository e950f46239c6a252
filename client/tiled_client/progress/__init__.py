"""Progress bars of transfers that take over a second, shown only where a person looks.

`track` begins an operation; what sends and receives bytes calls `expect` and `advance`. Without an
operation these do nothing, and there is none unless a bar may be shown. A thread shows the bars of
operations that last.
"""
