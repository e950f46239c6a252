"""Specs: conventions that nodes declare to follow, and their validators."""

from .candidates import Candidate, Child, Validator

__all__ = ["Candidate", "Child", "Validator"]
