"""Template tags of the frame of all pages."""

from __future__ import annotations

from django import template

from ..version import VERSION

register = template.Library()


@register.simple_tag
def product_version() -> str:
    """Return the version of this product."""
    return VERSION
