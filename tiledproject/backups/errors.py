"""Errors of backups, in one sentence for the operator."""

from __future__ import annotations


class BackupError(Exception):
    """A backup or a restore is impossible, or incomplete."""
