"""The texts of the project that people read: in Python code, templates, and Markdown."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CODE = (
    "core",
    "access",
    "catalog",
    "streaming",
    "web",
    "tiledproject",
    "client",
    "demo",
    "tools",
    "benchmarks",
)
# The changelog and migrations are not rewritten, and built or vendored scripts have other sources.
LEFT_OUT = (
    "CHANGELOG.md",
    "tools/prose/",
    "web/static/web/dist/",
    "web/static/web/vendor/",
    *(f"{app}/migrations/" for app in CODE),
)
SUFFIXES = {".py", ".md", ".html", ".txt", ".lua", ".js"}


class Text(NamedTuple):
    """A piece of text, and the line it begins at."""

    path: Path
    line: int
    content: str


def texts(project: Path, paths: list[Path]) -> Iterator[Text]:
    """Yield the texts of all tracked files, or of those below `paths`."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=project, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        path = project / name
        if name.startswith(LEFT_OUT) or path.suffix not in SUFFIXES or not path.exists():
            continue
        if paths and not any(path == one or one in path.parents for one in paths):
            continue
        if name.startswith(CODE) or path.suffix == ".md" or path.name == "manage.py":
            yield from _of(path)


def _of(path: Path) -> Iterator[Text]:
    if path.suffix == ".py":
        source = path.read_text()
        yield from _comments(path, source)
        yield from _strings(path, source)
    elif path.suffix in {".md", ".html", ".lua"}:
        yield Text(path, 1, _without_code(path.read_text()))
    elif path.suffix == ".js":
        # Whole, since templates with texts for users are within backticks, as code is in comments.
        yield Text(path, 1, path.read_text())


def _without_code(content: str) -> str:
    # Code has its own names. Line breaks stay, so that line numbers are right.
    fenced = re.sub(r"^```.*?^```", _breaks, content, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", fenced)


def _breaks(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _comments(path: Path, source: str) -> Iterator[Text]:
    # Comments of adjacent lines are one text.
    lines: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start[0] != last + 1:
            yield Text(path, first, "\n".join(lines))
            lines = []
        if not lines:
            first = token.start[0]
        lines.append(token.string.lstrip("# "))
        last = token.start[0]
    if lines:
        yield Text(path, first, "\n".join(lines))


def _strings(path: Path, source: str) -> Iterator[Text]:
    # Docstrings, and the literals of messages, settings, help texts and admin pages alike.
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(path, node.lineno, _without_code(node.value))
