"""Errors of profiles."""

from __future__ import annotations


class ProfileError(ValueError):
    """A profile is invalid; the message has the file and the line."""


class ProfileNotFound(ProfileError, KeyError):
    """There is no profile of that name."""

    def __str__(self) -> str:
        # The __str__ of a KeyError would return the repr.
        return str(self.args[0])


class ProfileExists(ProfileError):
    """There is a profile of that name, which is not overwritten."""
