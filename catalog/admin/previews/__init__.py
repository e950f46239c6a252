"""Previews of a node's data: an image, a line plot, some values, or the first rows."""

from .preview import Preview, build_preview

__all__ = ["Preview", "build_preview"]
