"""Extensions of the ASGI scope, by which the servers and the application work together.

A large body is authorized before it is received (preflight). A server that writes bodies to files
passes the file instead of its bytes, and every server can tell when a connection is lost.
"""

from __future__ import annotations

# A body that the server has written to a file already.
BUFFERED = "tiled.body"
# A request without its body, which is answered with `CONTINUE` if the body may be sent; and one
# whose body was discarded, because it was rejected.
PREFLIGHT = "tiled.asked"
DISCARDED = "tiled.dropped"
CONTINUE = 100
# A function that takes a callback, which is called when the connection is lost.
ON_DISCONNECT = "tiled.on_lost"
