"""Specs, and what a node must look like that says it follows one."""

from .candidates import Candidate, Child, Validator

__all__ = ["Candidate", "Child", "Validator"]
