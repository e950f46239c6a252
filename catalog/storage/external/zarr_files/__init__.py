"""Zarr folders of version 2 and 3: an array, or a group as a container."""

from ..formats import Format
from .reading import inspect_zarr, open_zarr, read_zarr

FORMATS = (
    Format(
        ("application/x-zarr",),
        (".zarr",),
        read_array=read_zarr,
        open_tree=open_zarr,
        inspect=inspect_zarr,
    ),
)
