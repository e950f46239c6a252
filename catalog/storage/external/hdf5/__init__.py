"""HDF5 and NeXus files: a dataset as an array, a file or a group as a container."""

from ..formats import Format
from .arrays import read_hdf5
from .inspect import inspect_hdf5
from .tree import open_hdf5

FORMATS = (
    Format(
        ("application/x-hdf5",),
        (".h5", ".hdf5", ".hdf", ".nxs", ".nx5"),
        read_array=read_hdf5,
        open_tree=open_hdf5,
        inspect=inspect_hdf5,
    ),
)
