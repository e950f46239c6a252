"""A small look at the data of a node: a picture, a line, some values, the first rows."""

from .preview import Look, look_at

__all__ = ["Look", "look_at"]
