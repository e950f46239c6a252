"""Errors of the import, each one sentence for the administrator."""

from __future__ import annotations


class ImportRefused(Exception):
    """The import cannot start, or cannot continue. The text says what to do."""


class NotImportable(Exception):
    """One node, or one part of it, has no counterpart here. The text is the reason."""
