"""Template tags of the live page."""

from __future__ import annotations

from django import template
from django.templatetags.static import static

from ..modules import page_modules

register = template.Library()


@register.simple_tag
def module_addresses() -> list[str]:
    """Return the addresses of the page's script and of the modules that it imports."""
    # Without the digest that templates add: an import has none, and must find the same address.
    return [static(name).partition("?")[0] for name in page_modules()]
