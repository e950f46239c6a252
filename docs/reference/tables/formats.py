"""The formats that data can be read in."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.formats import formats

from .markdown import code, first_paragraph, table


def formats_by_family() -> Iterator[str]:
    """Return a table of media types for each family, and for each spec that has some of its own."""
    registry = formats()
    aliases = registry.aliases()
    for name, media_types in registry.listed().items():
        rows = []
        for media_type in media_types:
            extensions = ", ".join(code(one) for one in aliases[name].get(media_type, ()))
            what = first_paragraph(registry.exporter(name, media_type))
            default = " (default)" if media_type == registry.default(name) else ""
            rows.append([code(media_type) + default, extensions, what])
        yield f"### `{name}`"
        yield ""
        yield from table(["media type", "extensions", "what it is"], rows)
        yield ""
