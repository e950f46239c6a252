"""Writes the reference pages that are made from the code, so that they cannot drift from it.

`python docs/reference/generate.py` writes them; with `--check` it only says which are stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
sys.path.insert(0, str(PROJECT))

from tiledproject.config import SECTIONS  # noqa: E402
from tiledproject.serve_options import LABELS  # noqa: E402

HEAD = """# Settings

Made from the code by `make docs`; do not edit.

Settings are read from a YAML file, named by `--config` or the environment variable `TILED_CONFIG`,
and from the environment; the environment wins, and options of `manage.py serve` win over both. In
the file, each section is a key with its settings below it:

```yaml
streaming_cache:
  uri: redis://localhost:6379
```

Relative paths in the file are meant from the file's own folder. Lists in the environment are
written with commas, or as JSON. A wrong setting stops the start with a sentence that says which.

`TILED_SINGLE_USER_API_KEY` is short for `TILED_AUTHENTICATION_SINGLE_USER_API_KEY`. With `--temp`
the database and the storage are in a new folder that is removed at the end.
"""


def main() -> int:
    """Write the pages, or with `--check` return 1 where one is stale."""
    pages = {HERE / "settings.md": "\n".join(settings_page())}
    if "--check" not in sys.argv:
        for path, text in pages.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(PROJECT)} is stale: run `make docs`.")
    return 1 if stale else 0


def settings_page() -> Iterator[str]:
    """The lines of the page about settings."""
    yield HEAD
    for name, section in SECTIONS.items():
        yield f"## `{name}`\n"
        yield f"{section.__doc__}\n"
        for field_name, field in section.model_fields.items():
            variable = f"TILED_{name.upper()}_{field_name.upper()}"
            ways = [f"`{variable}`"]
            if option := _option(variable):
                ways.append(f"`{option}`")
            yield f"### `{name}.{field_name}`\n"
            yield f"{field.description}\n"
            yield f"Default: {_default(field)}. Also: {', '.join(ways)}."
            yield f"Example: `{(field.examples or [''])[0]}`\n"


def _option(variable: str) -> str | None:
    if variable == "TILED_AUTHENTICATION_SINGLE_USER_API_KEY":
        return "--api-key"
    if variable == "TILED_AUTHENTICATION_ALLOW_ANONYMOUS_ACCESS":
        return "--public"
    return LABELS.get(variable)


def _default(field: Any) -> str:
    if field.default is PydanticUndefined or isinstance(field.default, Path):
        return "see above"
    if field.default in (None, []):
        return "none"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


if __name__ == "__main__":
    sys.exit(main())
