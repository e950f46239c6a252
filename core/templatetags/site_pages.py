"""Template tags of the frame of all pages."""

from __future__ import annotations

from django import template

from tiled_client.version import __version__

register = template.Library()


@register.simple_tag
def product_version() -> str:
    """Return the version of this product."""
    return __version__
