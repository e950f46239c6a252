"""Report banned words in the text of the project: `python -m tools.prose [PATH ...]`.

Exits with 1 if there are any. The list is `banned.txt` beside this file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .texts import Text, texts

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent


class Rule(NamedTuple):
    """A pattern, and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


class Finding(NamedTuple):
    """A banned word, and where it is."""

    path: Path
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        where = self.path.relative_to(PROJECT)
        return f"{where}:{self.line}: {self.word!r}: {self.instead}"


def rules() -> list[Rule]:
    """Return the rules of `banned.txt`."""
    lines = (HERE / "banned.txt").read_text().splitlines()
    found = [line.split(" -> ") for line in lines if line and not line.startswith("#")]
    return [Rule(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in found]


def findings(paths: list[Path]) -> Iterator[Finding]:
    """Yield all uses of banned words in the texts of `paths`, or of the project."""
    known = rules()
    for text in texts(PROJECT, paths):
        # A phrase may be broken over two lines.
        flat = re.sub(r"\s", " ", text.content)
        for rule in known:
            yield from _in(text, flat, rule)


def _in(text: Text, flat: str, rule: Rule) -> Iterator[Finding]:
    for match in rule.pattern.finditer(flat):
        line = text.line + text.content.count("\n", 0, match.start())
        yield Finding(text.path, line, match[0], rule.instead)


def main() -> int:
    """Print the findings; return the exit status."""
    count = 0
    for finding in findings([Path(argument).resolve() for argument in sys.argv[1:]]):
        print(finding)
        count += 1
    if count:
        print(f"{count} banned words or phrases; tools/prose/banned.txt has the list.")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
