"""A small look at the data of a node: a picture, a line, some values, the first rows."""

from .preview import Preview, build_preview

__all__ = ["Preview", "build_preview"]
