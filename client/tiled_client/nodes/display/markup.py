"""HTML elements whose texts and attributes are escaped, unless they are HTML already."""

from __future__ import annotations

import html

# Works on light and dark pages: no colours but that of the text around it.
DIM = "opacity: 0.65"
WITHOUT_END = ("br", "img")


class Markup(str):
    """HTML; other strings are text, and are escaped where they become a part of it."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: object) -> Markup:
    """Return an element; an attribute that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in WITHOUT_END else f"{join(*children)}</{name}>"
    return Markup(f"<{name}{written}>{end}")


def join(*parts: str) -> Markup:
    """Return parts one after another."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in parts))


def dim(text: str) -> Markup:
    """Return a text that stands back."""
    return tag("span", text, style=DIM)


def folded(summary: str, *children: str) -> Markup:
    """Return content that a click on the summary shows."""
    title = tag("summary", summary, style="cursor: pointer")
    return tag("details", title, *children, style="margin: 0.2em 0")


def block(*children: str) -> Markup:
    """Return content on separate lines."""
    return tag("div", *children, style="margin: 0.3em 0")


def text_block(text: str) -> Markup:
    """Return lines of text as they are, of a width that is not larger than the page."""
    return tag("pre", text, style="white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.3em 0")


def _escaped(text: str) -> str:
    # Characters without a glyph, such as those that reverse the text, become visible.
    shown = "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
    return html.escape(shown)
