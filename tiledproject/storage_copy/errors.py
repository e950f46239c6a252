"""Errors of the copy of a storage, in one sentence for the operator."""

from __future__ import annotations


class CopyError(Exception):
    """A copy of the storage is impossible, or incomplete."""


class DiffersError(CopyError):
    """The copy that was read back differs from the original."""
