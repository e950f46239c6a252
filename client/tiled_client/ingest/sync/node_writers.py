"""Writers of one node that block: many writes over a connection, acknowledged later."""

from __future__ import annotations

from typing import Self

from ...http.operations import Blocking
from ..operations.base import CONNECT_SECONDS, BlockingCalls, SingleNodeOperations
from ..operations.data import ArrayWriterOperations, TableWriterOperations
from ..operations.nested import (
    AwkwardWriterOperations,
    RaggedWriterOperations,
    SparseWriterOperations,
)


class SingleNodeWriter(BlockingCalls, Blocking, SingleNodeOperations):
    """Writes to one node, over the connection of an `IngestWriter`."""

    def __enter__(self) -> Self:
        self._driver.connect(CONNECT_SECONDS)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._driver.close()
        else:
            self._driver.stop()


class ContainerWriter(SingleNodeWriter):
    """Changes the metadata of a container, and closes its stream.

    Examples
    --------
    >>> with client.writer() as writer:
    ...     run = writer.create(client, "scan", metadata={"sample": "A"})
    ...     run.update_metadata({"done": True})
    1
    >>> client["scan"].metadata
    {'sample': 'A', 'done': True}
    """


class ArrayWriter(SingleNodeWriter, ArrayWriterOperations):
    """Writes to a dense array.

    Examples
    --------
    >>> with x.writer() as w:
    ...     w.append(4)
    ...     w.append([5, 6])
    1
    2
    >>> x.refresh()
    >>> x.read()
    array([1, 2, 3, 4, 5, 6])
    """


class TableWriter(SingleNodeWriter, TableWriterOperations):
    """Writes to a table.

    Examples
    --------
    >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
    >>> with t.writer() as w:
    ...     w.append({"time": [2], "counts": [9]})
    1
    >>> t["counts"].tolist()
    [5, 7, 9]
    """


class RaggedWriter(SingleNodeWriter, RaggedWriterOperations):
    """Writes to a ragged array.

    Examples
    --------
    >>> r = client.write_ragged([[1, 2], [3]])
    >>> with r.writer() as w:
    ...     w.append([[4, 5, 6]])
    1
    >>> r.refresh()
    >>> r.read().tolist()
    [[1, 2], [3], [4, 5, 6]]
    """


class SparseWriter(SingleNodeWriter, SparseWriterOperations):
    """Writes to a sparse array.

    Examples
    --------
    >>> s = client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4))
    >>> with s.writer() as w:
    ...     w.write(np.array([[1], [2]]), np.array([7.0]))
    1
    >>> s.read().nnz
    1
    """


class AwkwardWriter(SingleNodeWriter, AwkwardWriterOperations):
    """Writes to an awkward array.

    Examples
    --------
    >>> a = client.write_awkward([{"hits": [1, 2, 3]}])
    >>> with a.writer() as w:
    ...     w.write([{"hits": [7, 8, 9]}])
    1
    >>> a.read().to_list()
    [{'hits': [7, 8, 9]}]
    """
