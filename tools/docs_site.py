"""Hooks of mkdocs for the documentation's site: pages from outside of `docs/`, and links."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
# Pages of the project that are part of the site, under these names.
OUTSIDE = {
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "develop/contributing.md",
    "SECURITY.md": "develop/security-policy.md",
    "tests/README.md": "develop/tests.md",
    "web/README.md": "develop/web-page.md",
}
# The home page of the site has what the project's has.
HOME = {"README.md": "index.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
# The tests run code by roles, such as "py writer", of which themes know nothing.
ROLE = re.compile(r"^( *```\w+) \w+$", re.MULTILINE)
EXTERNAL = re.compile(r"[a-z]+:|#|/")


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the pages that are outside of the folder of the documentation."""
    from mkdocs.structure.files import File

    for source, name in OUTSIDE.items():
        if (PROJECT / source).exists():
            files.append(File.generated(config, name, content=(PROJECT / source).read_text()))
    return files


def on_page_markdown(text: str, page: Any, config: Any, **_: Any) -> str:
    """Let the links of a page lead to pages of the site, or to the published sources."""
    known = {name: source for source, name in OUTSIDE.items()}
    uri = page.file.src_uri
    source = known.get(uri, f"docs/{uri}")

    def changed(found: re.Match[str]) -> str:
        return _changed(found, source, uri, config["repo_url"] or "")

    # Code stays as it is; what matches a fence is at the odd places.
    parts = FENCE.split(text)
    texts = (ROLE.sub(r"\1", p) if i % 2 else LINK.sub(changed, p) for i, p in enumerate(parts))
    return "".join(texts)


def _changed(found: re.Match[str], source: str, uri: str, sources: str) -> str:
    mark, label, target = found.groups()
    if EXTERNAL.match(target):
        return found[0]
    path, hash_mark, anchor = target.partition("#")
    absolute = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    inside = {**OUTSIDE, **HOME}.get(absolute) or _in_docs(absolute)
    if inside is not None:
        relative = posixpath.relpath(inside, posixpath.dirname(uri) or ".")
        return f"{mark}[{label}]({relative}{hash_mark}{anchor})"
    # Without a place where the sources are published, the name of the file has to do.
    return f"{mark}[{label}]({sources}/blob/main/{absolute})" if sources else label


def _in_docs(path: str) -> str | None:
    """Return a path below `docs/` as the site has it; the page of a folder for a folder."""
    if not path.startswith("docs/"):
        return None
    inside = path.removeprefix("docs/")
    folder = PROJECT / path
    return f"{inside}/README.md" if (folder / "README.md").is_file() else inside
