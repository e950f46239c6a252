"""Fills in what the reference pages have from the code, so that they cannot drift from it.

`python docs/reference/generate.py` does it; with `--check` it only says which pages are stale. A
page has a mark where something belongs: `<!-- made from the code: NAME -->`, up to `<!-- end -->`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
MARKED = re.compile(r"(<!-- made from the code: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Parts = Mapping[str, Callable[[], Iterator[str]]]


def main() -> int:
    """Fill in the pages, or with `--check` return 1 where one is stale."""
    with tempfile.TemporaryDirectory() as folder:
        _set_up_django(folder)
        pages = {HERE / name: filled(HERE / name, parts) for name, parts in _pages().items()}
        pages[HERE / "openapi.json"] = _openapi()
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if "--check" in sys.argv:
            print(f"{path.relative_to(PROJECT)} is stale: run `make docs`.")
        else:
            path.write_text(pages[path])
    return 1 if stale and "--check" in sys.argv else 0


def filled(path: Path, parts: Parts) -> str:
    """Return a page with all its parts as the code has them. Raises KeyError for others."""

    def part(found: re.Match[str]) -> str:
        lines = "\n".join(parts[found[2]]()).rstrip()
        return f"{found[1]}\n{lines}\n\n{found[3]}"

    return MARKED.sub(part, path.read_text())


def _pages() -> dict[str, Parts]:
    from tables import (
        client,
        client_commands,
        client_live,
        commands,
        endings,
        errors,
        formats,
        http_api,
        messages,
        metrics,
        notices,
        settings,
    )

    return {
        "settings.md": {"settings": settings.settings},
        "commands.md": {"options": commands.options},
        "client-commands.md": {"commands": client_commands.commands},
        "http-api.md": {"endpoints": http_api.endpoints},
        "errors.md": {"errors": errors.errors},
        "metrics.md": {"metrics": metrics.metrics},
        "formats.md": {"formats": formats.formats_by_family},
        "streams.md": {
            "schemas": messages.schemas,
            "every-update": messages.every_update,
            "updates": messages.updates,
            "notices": notices.notices,
            "json-payloads": messages.json_payloads,
            "reductions": messages.reductions,
            "refusals": endings.refusals,
            "close-codes": endings.close_codes,
        },
        "client.md": {
            "names": client.names,
            "classes": client.classes,
            "updates": client.updates,
            "notices": client.notices,
            "options": client.options,
            "live-plots": client_live.live_plots,
        },
    }


def _openapi() -> str:
    from tiledproject.http.openapi_views import document

    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _set_up_django(folder: str) -> None:
    """Set up the default site, without the environment, with its keys in `folder`."""
    for name in [name for name in os.environ if name.startswith("TILED_")]:
        del os.environ[name]
    os.environ["TILED_SERVER_DATA_DIR"] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = "tiledproject.settings"
    sys.path.insert(0, str(PROJECT))
    import django

    django.setup()


if __name__ == "__main__":
    sys.exit(main())
