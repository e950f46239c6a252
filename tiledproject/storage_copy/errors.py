"""Errors of the copy of a storage, in one sentence for the operator."""

from __future__ import annotations


class CopyError(Exception):
    """A copy of the storage is impossible, or incomplete."""


class DiffersError(CopyError):
    """What was read back differs from what was written."""
