"""Packages that read more files, and that a site may leave out: they are large."""

from __future__ import annotations

import re
from importlib import import_module

EXTRAS = {"hdf5plugin": "hdf5-filters", "imagecodecs": "image-codecs"}
"""Package to the extra of this distribution that has it."""

# What libraries say, h5py about filters that are not registered, tifffile about its package.
REASONS = {
    "hdf5plugin": re.compile(r"required filter|can't open directory|filter .* not available"),
    "imagecodecs": re.compile(r"imagecodecs"),
}


def missing_package(error: Exception) -> str | None:
    """Return what to install if an error of reading a file has a missing package as its reason."""
    for package, reason in REASONS.items():
        if reason.search(str(error)) and not is_installed(package):
            return f"it needs the package {package}: install tiled-stream[{EXTRAS[package]}]."
    return None


def is_installed(package: str) -> bool:
    """Return whether a package can be imported."""
    try:
        import_module(package)
    except ImportError:
        return False
    return True
