"""`tree`: print the nodes below a container."""

from __future__ import annotations

from ..http.operations import Asynchronous
from ..public_surface import show_types
from .display.tree import DEPTH, LIMIT, Branch, TreeOperations
from .node import Node


@show_types
def tree(node: Node, depth: int = DEPTH, limit: int = LIMIT) -> None:
    """Print a node of the blocking client, and those below it, as a tree.

    Parameters
    ----------
    node
        A container; of other nodes a single line is printed.
    depth
        The number of levels to print.
    limit
        The number of children to print of each container.

    Raises
    ------
    TransportError
        If the server cannot be reached; also other errors of requests.
    TypeError
        For a node of asyncio's client.

    See Also
    --------
    Container.tree : The same as a method, which asyncio's client has as well.

    Examples
    --------
    >>> from tiled_client import tree
    >>> tree(client)
    /...
    └── x  array 3 int64
    """
    if isinstance(node, Asynchronous):
        raise TypeError("tree() is for the client that blocks: use `await node.tree()`")
    if isinstance(node, TreeOperations):
        node.tree(depth, limit)
    else:
        print("\n".join(Branch(node).lines()))
